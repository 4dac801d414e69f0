/** The programs of examples/java, run as their first lines say. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { installExamples } from './install.ts'
import type { OwnServer } from './server.ts'

const run = promisify(execFile)
const runTimeoutMs = 120_000

/** Plays all of them on one server; what they print is what they promise. */
export async function playExamples(t: Test, server: OwnServer): Promise<void> {
  const { folder, jars } = await installExamples()
  const printedBy = async (name: string): Promise<string[]> => {
    const words = ['-Xmx256m', '-cp', jars, join(folder, `${name}.java`), server.bootstrap]
    const all = [...words, server.addresses.namesrv ?? '']
    const { stdout } = await run('java', all, { timeout: runTimeoutMs })
    return stdout.trim().split('\n')
  }
  await t.test('a RocketMQ producer and a Kafka consumer', async (t) => {
    const lines = await printedBy('RocketmqToKafka')
    const [sent, read] = [linesOf(lines, 'sent '), linesOf(lines, 'read ')]
    const wanted = sent.map((line) =>
      line.replace(/sent (\w+) to (.*)/, 'read $1 of key-$1, tagged fruit, at $2')
    )
    t.equal(sent.length, 3)
    t.same(read, wanted.sort())
  })
  await t.test('a Kafka producer and a RocketMQ consumer', async (t) => {
    const lines = await printedBy('KafkaToRocketmq')
    const warm = linesOf(lines, 'sent warm')
    const wanted = warm.map((line) =>
      line.replace(/sent warm:(\d+) to (.*)/, 'got $1 of key-$1, tagged warm, at $2')
    )
    t.equal(warm.length, 2)
    t.same(linesOf(lines, 'got '), wanted.sort())
  })
  await t.test('a group moves from RocketMQ to Kafka', async (t) => {
    const lines = await printedBy('MovingAGroup')
    const before = ['RocketMQ: one', 'RocketMQ: three', 'RocketMQ: two']
    t.same(linesOf(lines, 'RocketMQ: '), before)
    t.same(linesOf(lines, 'Kafka: '), ['Kafka: five', 'Kafka: four'], 'nothing a second time')
  })
}

function linesOf(lines: readonly string[], start: string): string[] {
  return lines.filter((line) => line.startsWith(start)).sort()
}
