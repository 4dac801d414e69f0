// What an operator can do about each kind of damage (docs/repair.md), with the built command.
import { cpSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import t, { type Test } from 'tap'
import { exitCodes } from '../../src/exit-codes.ts'
import { RawConnection } from '../crash/raw-connection.ts'
import { deleteRecords } from '../crash/raw-requests.ts'
import { get, read, send, stop } from './command-clients.ts'
import {
  closedStore,
  fetchAt,
  flip,
  metric,
  placeOf,
  pull,
  run,
  segments,
  small,
  snapshots,
  textOf,
  untilMore,
  valueBytes
} from './damaged-store.ts'
import { anyPorts, type RunningCommand, runCommand } from './run-command.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

/** Kafka's code for bytes that do not match their CRC. */
const corruptMessage = 2

/** What ends a consumer of kafkajs that tries no more than once, by Kafka's name; the values that it got before. */
async function consumerError(server: RunningCommand) {
  const { host, port } = await server.address('kafka')
  const brokers = [`${host}:${port}`]
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  const consumer = kafka.consumer({ groupId: 'stuck', maxBytes: valueBytes })
  const crashed = new Promise<unknown>((resolve) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error))
  })
  await consumer.connect()
  await consumer.subscribe({ topic: 'damaged', fromBeginning: true })
  const values: string[] = []
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(`${message.value}`)
    }
  })
  let error = (await crashed) as Error & { type?: string }
  while (error.type === undefined && error.cause instanceof Error) error = error.cause
  await consumer.disconnect()
  return { type: error.type, values }
}

/** One read of each, whose answer is as expected, is counted once more. */
async function counted(
  t: Test,
  server: RunningCommand,
  ask: () => Promise<unknown>,
  answer: unknown
): Promise<void> {
  const before = await metric(server, 'corrupt_reads_total')
  t.same(await ask(), answer)
  t.equal(await metric(server, 'corrupt_reads_total'), before + 1, 'it is counted')
}

t.test('a damaged batch: told to clients, named by check, and given up on demand', async (t) => {
  const data = await closedStore(t)
  const { path, at } = placeOf(data, textOf(3))
  flip(path, at + 1000)
  const check = await run(t, ['check', '--data', data], exitCodes.failed)
  t.match(check.text, /topic damaged, queue 0, offsets 3 to 3: its records do not match/)

  const first = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  t.same(await read(first, 'damaged', 'early', 3), [0, 1, 2].map(textOf))
  t.equal(await metric(first, 'corrupt_reads_total'), 0)
  await counted(t, first, () => fetchAt(first, 3), corruptMessage)
  await counted(t, first, () => pull(first, 3), 1)
  t.equal(await pull(first, 4), 0, 'what is behind it can be read')
  t.match(await fetchAt(first, 4), [4])
  const { type, values } = await consumerError(first)
  t.equal(type, 'CORRUPT_MESSAGE')
  t.same(values, [0, 1, 2].map(textOf), 'what is before it is given')
  const { text } = await get(first, '/metrics')
  t.match(text, /isthmus_requests_total\{[^}]*api="Fetch",error="CORRUPT_MESSAGE"\} [2-9]/)
  t.match(text, /isthmus_requests_total\{[^}]*api="PULL_MESSAGE",error="SYSTEM_ERROR"\} 1/)
  await stop(t, first)

  const words = ['reindex', '--data', data, '--skip-damaged', '--log-level', 'error']
  const reindex = await run(t, words, exitCodes.done)
  t.match(reindex.text, /^given up: topic damaged, queue 0, offsets 3 to 3, of segment \d+$/m)
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)
  const again = await run(t, words, exitCodes.done)
  t.notMatch(again.text, /given up/)

  const second = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  t.same(await read(second, 'damaged', 'early', 6), [4, 5, 6, 7, 8, 9].map(textOf))
  t.equal(await pull(second, 3), 0, 'the pull goes on behind it')
  await stop(t, second)
})

t.test('a damaged group, segment header and footer', async (t) => {
  const data = await closedStore(t)
  const group = placeOf(data, textOf(4))
  flip(group.path, readFileSync(group.path).lastIndexOf('ISGR', group.at) + 30)
  const [one = '', two = ''] = segments(data).filter((path) => path !== group.path)
  flip(one, 20)
  flip(two, readFileSync(two).lastIndexOf('ISFT') + 20)
  // As long as LevelDB is there nobody looks at headers.
  rmSync(join(data, 'index'), { recursive: true })
  const refused = await run(t, ['serve', ...anyPorts, '--data', data], exitCodes.cannotStart)
  t.match(refused.errors, /segment \d+/)
  await run(t, ['check', '--data', data], exitCodes.failed)
  const words = ['reindex', '--data', data, '--skip-damaged', '--log-level', 'error']
  const reindex = await run(t, words, exitCodes.done)
  t.match(reindex.text, /^given up: flush groups \d+ to \d+ of segment \d+$/m)
  t.match(reindex.text, /^given up: topic damaged, queue 0, offsets 4 to 4, of segment \d+$/m)
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)
  const server = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  const left = [0, 1, 2, 3, 5, 6, 7, 8, 9]
  t.same(await read(server, 'damaged', 'g', left.length), left.map(textOf))
  await stop(t, server)
})

t.test('a missing segment, and a damaged one, are had back from a backup', async (t) => {
  const data = await closedStore(t)
  const to = `${data}-backup`
  await run(t, ['backup', '--data', data, '--to', to, '--log-level', 'error'], exitCodes.done)
  const [one = '', two = ''] = segments(data)
  rmSync(one)
  rmSync(two)
  rmSync(join(data, 'index'), { recursive: true })
  const refused = await run(t, ['serve', ...anyPorts, '--data', data], exitCodes.cannotStart)
  t.match(refused.errors, /segment 1\b.* is not there/)
  for (const path of [one, two]) renameSync(path.replace(data, to), path)
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)
  const server = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  t.equal((await read(server, 'damaged', 'g', 10)).length, 10)
  await stop(t, server)
})

t.test('a damaged snapshot is passed over, and goes', async (t) => {
  const data = await closedStore(t)
  const folder = join(data, 'snapshots')
  const newest = join(folder, readdirSync(folder).sort().at(-1) ?? '')
  flip(newest, readFileSync(newest).length - 30)
  const check = await run(t, ['check', '--data', data], exitCodes.failed)
  t.match(check.text, /^problem: state-\d+\.snapshot: it cannot be read/m)
  rmSync(join(data, 'index'), { recursive: true })
  for (let i = 0; i < 2; i++) {
    const server = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
    await send(server, 'damaged', [`${i}`])
    await stop(t, server)
  }
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)
})

function damageAllSnapshots(data: string): void {
  for (const path of snapshots(data)) flip(path, readFileSync(path).length - 30)
}

t.test(
  'all snapshots damaged: the log is replayed from its beginning, and others written',
  async (t) => {
    const data = await closedStore(t)
    damageAllSnapshots(data)
    const damaged = snapshots(data)
    const check = await run(t, ['check', '--data', data], exitCodes.failed)
    for (const path of damaged) t.match(check.text, `${basename(path)}: it cannot be read`)
    rmSync(join(data, 'index'), { recursive: true })
    for (let i = 0; i < 2; i++) {
      const server = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
      const values = await read(server, 'damaged', `g${i}`, 10)
      t.same(
        values.slice(0, 10),
        Array.from({ length: 10 }, (_, at) => textOf(at))
      )
      await send(server, 'damaged', [`${i}`])
      await stop(t, server)
    }
    t.notOk(
      snapshots(data).some((path) => damaged.includes(path)),
      'the damaged ones are gone'
    )
    t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)
  }
)

t.test('all snapshots damaged, and the beginning deleted: refused, and restored', async (t) => {
  const data = await closedStore(t)
  const eager = [...small, '--retention-check-interval-ms', '50']
  const server = runCommand(t, ['serve', ...anyPorts, ...eager, '--data', data])
  const { host, port } = await server.address('kafka')
  const connection = await RawConnection.open(`${host}:${port}`)
  t.equal(await deleteRecords(connection, 'damaged', 0, 7), 7)
  connection.close()
  await untilMore(server, 'segments_deleted_total', 0)
  await stop(t, server)
  const backup = `${data}-backup`
  const words = ['backup', '--data', data, '--to', backup, '--log-level', 'error']
  await run(t, words, exitCodes.done)
  damageAllSnapshots(data)
  rmSync(join(data, 'index'), { recursive: true })
  for (const command of ['serve', 'reindex']) {
    const refused = await run(t, [command, '--data', data], exitCodes.cannotStart)
    t.match(refused.errors, /^isthmus: [^\n]*is not there, and no snapshot can be read[^\n]*\n$/)
  }
  rmSync(data, { recursive: true })
  cpSync(backup, data, { recursive: true })
  const restored = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  t.same(await read(restored, 'damaged', 'g', 3), [7, 8, 9].map(textOf))
  await stop(t, restored)
})
