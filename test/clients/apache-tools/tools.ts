/** Apache Kafka's own command-line tools, as kafka-topics.sh and its siblings start them. */
import { spawn } from 'node:child_process'

const classes = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  groups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  configs: 'kafka.admin.ConfigCommand',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand'
} as const

export type ToolName = keyof typeof classes

const toolTimeoutMs = 60_000

export interface ToolResult {
  /** Standard output, by lines, without the empty ones. */
  lines: string[]
  stderr: string
}

/** Runs a tool to its end; rejects unless it exits with 0. */
export type RunTool = (
  name: ToolName,
  words: readonly string[],
  input?: string
) => Promise<ToolResult>

export function toolRunner(classPath: string, bootstrap: string): RunTool {
  return (name, words, input = '') =>
    new Promise((resolve, reject) => {
      const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath]
      const server = ['--bootstrap-server', bootstrap]
      const child = spawn('java', [...jvm, classes[name], ...server, ...words])
      const timer = setTimeout(() => child.kill('SIGKILL'), toolTimeoutMs)
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
      child.on('error', reject)
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        const lines = stdout.split('\n').filter((line) => line !== '')
        if (code === 0) resolve({ lines, stderr })
        else {
          const how = `${name} ${words.join(' ')}: ended with ${signal ?? code}`
          reject(new Error(`${how}\n${stdout}\n${stderr}`))
        }
      })
    })
}
