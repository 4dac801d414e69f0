import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const programTimeoutMs = 5 * 60_000
const outputBytesMax = 16 * 1024 * 1024

/** Runs a program to its end and returns what it wrote to standard output. */
export async function output(program: string, words: readonly string[]): Promise<string> {
  const options = { timeout: programTimeoutMs, maxBuffer: outputBytesMax }
  return (await run(program, words, options)).stdout
}

/** Apache Kafka's own tool of that class. */
export function tool(classPath: string, name: string, words: readonly string[]): Promise<string> {
  const jvm = ['-Xms256m', '-Xmx512m', '-Dlog4j2.level=ERROR', '-cp', classPath]
  return output('java', [...jvm, `org.apache.kafka.tools.${name}`, ...words])
}

export async function makeTopic(
  classPath: string,
  bootstrap: string,
  topic: string,
  partitions: number
): Promise<void> {
  const words = ['--create', '--topic', topic, '--partitions', String(partitions)]
  await tool(classPath, 'TopicCommand', ['--bootstrap-server', bootstrap, ...words])
}
