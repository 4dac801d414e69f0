/*
 * A backlog of timers: records that came to wait while the store was open, and are all due when it opens again. `node
 * dist/bench/timers.js [--timers 50000] [--bytes 200] [--folder DIR]`. Prints a Markdown table: how many are added, and fire, a
 * second; by whether they are due in the order in which they were sent, or in none.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Timers } from '../gateway/broker/timers/index.ts'
import { isMessageFault, noHost, recordOfMessage } from '../gateway/broker/translate/index.ts'
import {
  openStore,
  type PackedRecord,
  realFileSystem,
  type Store,
  systemClock,
  systemRandom
} from '../storage/index.ts'

const { values } = parseArgs({
  options: {
    timers: { type: 'string', default: '50000' },
    bytes: { type: 'string', default: '200' },
    folder: { type: 'string' }
  }
})

const count = Number(values.timers)
const bodyBytes = Number(values.bytes)
const addedAtOnce = 256
/** All are due within this, ms, that far from now. */
const spreadMs = 60_000
const awayMs = 3_600_000
const lookEveryMs = 5

/** Time goes on as it does, and can be set forward. */
let aheadMs = 0
const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
const log = (level: string, event: string, fields = {}): void => {
  if (level !== 'debug' && level !== 'info')
    process.stderr.write(`${event} ${JSON.stringify(fields)}\n`)
}

interface Opened {
  readonly store: Store
  readonly timers: Timers
}

async function open(folder: string): Promise<Opened> {
  const shared = { clock, random: systemRandom, log }
  const store = await openStore({
    ...shared,
    folder,
    fileSystem: realFileSystem,
    flushMode: 'sync'
  })
  return { store, timers: await Timers.open({ engine: store, ...shared }) }
}

async function close({ store, timers }: Opened): Promise<void> {
  await timers.close()
  await store.close()
}

function recordOf(i: number): PackedRecord {
  const record = recordOfMessage({
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: systemClock.now(),
    bornHost: noHost,
    reconsumeTimes: 0,
    preparedOffset: 0n,
    properties: Buffer.from(`UNIQ_KEY\u0001${i}\u0002`),
    body: Buffer.alloc(bodyBytes, `body ${i} `)
  })
  if (isMessageFault(record)) throw new Error(record.text)
  return record
}

async function addAll({ store, timers }: Opened, dueMsOf: (i: number) => number): Promise<void> {
  const id = systemRandom.uuid().toString('hex')
  const topic = { id, names: { kafka: 'due', rocketmq: 'due' }, queueCount: 4 }
  await store.commit({ changes: [{ op: 'create-topic', topic }] })
  let next = 0
  const add = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const target = { topicId: id, queue: i % 4 }
      await timers.add({ kind: 'delayed', record: recordOf(i), due: { atMs: dueMsOf(i) }, target })
    }
  }
  await Promise.all(Array.from({ length: addedAtOnce }, add))
}

async function run(order: string): Promise<string[]> {
  const folder = await mkdtemp(join(values.folder ?? tmpdir(), 'isthmus-timers-'))
  try {
    const startMs = clock.now() + awayMs
    const dueMsOf = (i: number): number =>
      startMs + Math.floor((order === 'as sent' ? i / count : Math.random()) * spreadMs)
    let opened = await open(folder)
    let began = performance.now()
    await addAll(opened, dueMsOf)
    const addSeconds = (performance.now() - began) / 1000
    await close(opened)
    aheadMs += awayMs + spreadMs
    opened = await open(folder)
    const cpu = process.cpuUsage()
    began = performance.now()
    opened.timers.start()
    while ((await opened.timers.pending('delayed')) > 0) await setTimeout(lookEveryMs)
    const fireSeconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const ends = await Promise.all(
      ((await opened.store.findTopic({ kafkaName: 'due' }))?.queues ?? []).map((queue) =>
        opened.store.ends(queue)
      )
    )
    const fired = ends.reduce((sum, { highWatermark }) => sum + highWatermark, 0)
    if (fired !== count) throw new Error(`${fired} of ${count} fired`)
    await close(opened)
    return [
      order,
      (count / addSeconds).toFixed(0),
      (count / fireSeconds).toFixed(0),
      ((user + system) / count).toFixed(0)
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const lines = [['due', 'added a second', 'fired a second', 'CPU µs of one that fires']]
lines.push(lines[0]?.map(() => '---') ?? [])
for (const order of ['as sent', 'in no order']) lines.push(await run(order))
process.stdout.write(`${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`)
