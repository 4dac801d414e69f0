// Damage in a segment that log compaction has written, with the built command: told by name, given up on demand, and
// what was compacted away does not come back.

import { join } from 'node:path'
import type { Kafka } from 'kafkajs'
import t, { type Test } from 'tap'
import { exitCodes } from '../../src/exit-codes.ts'
import { RawConnection } from '../crash/raw-connection.ts'
import { createTopic } from '../crash/raw-requests.ts'
import { clientOf, stop } from './command-clients.ts'
import { fetchAt, flip, metric, placeOf, run, small, untilMore } from './damaged-store.ts'
import { anyPorts, type RunningCommand, runCommand } from './run-command.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

const topic = 'table'
const keyCount = 3
const rounds = 8
/** What makes a server compact at once what others may keep for days. */
const impatient = {
  'cleanup.policy': 'compact',
  'max.compaction.lag.ms': '100',
  'delete.retention.ms': '100'
}
const valueAt = (key: number, round: number): string => `${key}.${round}:`.padEnd(10_000, 'x')
const eager = [...small, '--retention-check-interval-ms', '50']

async function sendAll(kafka: Kafka, records: readonly (readonly [string, string])[]) {
  const producer = kafka.producer()
  await producer.connect()
  for (const [key, value] of records) await producer.send({ topic, messages: [{ key, value }] })
  await producer.disconnect()
}

/** All records from the beginning to the one with the value `last`, each as key and the beginning of its value. */
async function readTo(server: RunningCommand, groupId: string, last: string): Promise<string[]> {
  const consumer = (await clientOf(server)).consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const found: string[] = []
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: Message }) => {
      found.push(`${message.key}=${`${message.value}`.split(':', 1)[0]}`)
      if (`${message.value}` === last) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
  return found
}

interface Message {
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** A closed store whose topic was compacted to the last round of each key. */
async function compactedStore(t: Test): Promise<string> {
  const data = join(temporaryFolder(t), 'store')
  const server = runCommand(t, ['serve', ...anyPorts, ...eager, '--data', data])
  const kafka = await clientOf(server)
  const { host, port } = await server.address('kafka')
  const connection = await RawConnection.open(`${host}:${port}`)
  await createTopic(connection, topic, 1, impatient)
  connection.close()
  const records: [string, string][] = []
  for (let round = 0; round < rounds; round++)
    for (let key = 0; key < keyCount; key++) records.push([`k${key}`, valueAt(key, round)])
  await sendAll(kafka, records)
  await untilMore(server, 'compacted_records_total', keyCount * (rounds - 1) - 1)
  await stop(t, server)
  return data
}

t.test('a damaged batch of a compacted segment is named, and given up on demand', async (t) => {
  const data = await compactedStore(t)
  const lost = keyCount * (rounds - 1) + 1
  const { path, at } = placeOf(data, valueAt(1, rounds - 1))
  flip(path, at + 1000)
  const check = await run(t, ['check', '--data', data], exitCodes.failed)
  t.match(check.text, `topic table, queue 0, offsets ${lost} to ${lost}: its records do not match`)

  const first = runCommand(t, ['serve', ...anyPorts, ...eager, '--data', data])
  t.equal(await fetchAt(first, lost, topic), 2, 'CORRUPT_MESSAGE')
  t.equal(await metric(first, 'corrupt_reads_total'), 1)
  t.match(await fetchAt(first, lost - 1, topic), [lost - 1])
  t.match(await fetchAt(first, lost + 1, topic), [lost + 1])
  await stop(t, first)

  const words = ['reindex', '--data', data, '--skip-damaged', '--log-level', 'error']
  const reindex = await run(t, words, exitCodes.done)
  const given = `^given up: topic table, queue 0, offsets ${lost} to ${lost}, of segment \\d+$`
  t.match(reindex.text, new RegExp(given, 'm'))
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)

  const second = runCommand(t, ['serve', ...anyPorts, ...eager, '--data', data])
  await sendAll(await clientOf(second), [['end', 'end']])
  t.same(await readTo(second, 'g', 'end'), ['k0=0.7', 'k2=2.7', 'end=end'])
  // The key whose value is lost can have another, and compaction goes on.
  await sendAll(await clientOf(second), [
    ['k1', valueAt(1, rounds)],
    ['k0', valueAt(0, rounds)],
    ['end', 'end again']
  ])
  await untilMore(second, 'compacted_records_total', 1)
  const found = await readTo(second, 'h', 'end again')
  t.same(found, ['k2=2.7', 'k1=1.8', 'k0=0.8', 'end=end again'])
  await stop(t, second)
})
