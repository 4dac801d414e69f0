/*
 * The store alone: batches appended straight to the engine, no socket and no protocol. `node dist/bench/append.js
 * [--seconds 3] [--folder DIR]`. Prints a Markdown table. Copying, parsing and checking each batch, as the gateway does on
 * arrival, is part of what is measured.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeBatch } from '../storage/batch/encode-batch.ts'
import { clientBatch, isBatchFault, parseBatch } from '../storage/batch/parse-batch.ts'
import {
  type Engine,
  type FlushMode,
  openStore,
  type QueueUid,
  realFileSystem,
  systemClock,
  systemRandom
} from '../storage/index.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    folder: { type: 'string' }
  }
})

const queueCount = 16
const recordBytes = 1024
const warmMs = 500
const measureMs = Number(values.seconds) * 1000

interface Case {
  flushMode: FlushMode
  recordsPerBatch: number
  /** Commits that wait for their flush at the same time. */
  inFlight: number
}

const cases: readonly Case[] = (['sync', 'async'] as const).flatMap((flushMode) => [
  { flushMode, recordsPerBatch: 1, inFlight: 1 },
  { flushMode, recordsPerBatch: 1, inFlight: 256 },
  { flushMode, recordsPerBatch: 15, inFlight: 80 },
  { flushMode, recordsPerBatch: 60, inFlight: 80 }
])

async function makeQueues(engine: Engine): Promise<readonly QueueUid[]> {
  const id = systemRandom.uuid().toString('hex')
  const topic = { id, names: { kafka: 'bench', rocketmq: 'bench' }, queueCount }
  const { topics } = await engine.commit({ changes: [{ op: 'create-topic', topic }] })
  const made = topics[0]
  if (!made) throw new Error('no topic was made')
  return made.queues
}

/** Appends until `until` (of the monotonic clock, ms); returns how many commits. */
async function appendUntil(
  engine: Engine,
  queues: readonly QueueUid[],
  template: Buffer,
  inFlight: number,
  until: number
): Promise<number> {
  let commits = 0
  const work = async (first: number): Promise<void> => {
    for (let turn = first; performance.now() < until; turn++) {
      const batch = parseBatch(Buffer.from(template), 0, clientBatch)
      const queue = queues[turn % queues.length]
      if (isBatchFault(batch) || queue === undefined) throw new Error('a batch that is not sound')
      await engine.commit({ appends: [{ queue, batches: [batch], origin: 'kafka' }] })
      commits++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, i) => work(i)))
  return commits
}

async function run(c: Case): Promise<string[]> {
  const folder = await mkdtemp(join(values.folder ?? tmpdir(), 'isthmus-append-'))
  const engine = await openStore({
    folder,
    fileSystem: realFileSystem,
    clock: systemClock,
    random: systemRandom,
    log: () => undefined,
    flushMode: c.flushMode
  })
  try {
    const queues = await makeQueues(engine)
    const records = Array.from({ length: c.recordsPerBatch }, (_, i) => ({
      timestamp: 1000 + i,
      value: Buffer.alloc(recordBytes, 97 + (i % 26))
    }))
    const template = encodeBatch(records).bytes
    await appendUntil(engine, queues, template, c.inFlight, performance.now() + warmMs)
    const before = engine.stats()
    const cpu = process.cpuUsage()
    const began = performance.now()
    const commits = await appendUntil(engine, queues, template, c.inFlight, began + measureMs)
    const seconds = (performance.now() - began) / 1000
    const used = process.cpuUsage(cpu)
    const groups = engine.stats().flushGroups - before.flushGroups
    const payload = (commits * c.recordsPerBatch * recordBytes) / 1e6
    return [
      ...[c.flushMode, String(c.recordsPerBatch), String(c.inFlight)],
      (payload / seconds).toFixed(1),
      (commits / seconds).toFixed(0),
      (groups / seconds).toFixed(0),
      (commits / groups).toFixed(1),
      ((used.user + used.system) / 1e3 / payload).toFixed(2)
    ]
  } finally {
    await engine.close()
    await rm(folder, { recursive: true, force: true })
  }
}

const heads = ['flush', 'records a batch', 'in flight', 'MB/s', 'batches/s', 'flush groups/s']
const lines = [[...heads, 'batches a group', 'CPU s/GB']]
lines.push(lines[0]?.map(() => '---') ?? [])
for (const one of cases) lines.push(await run(one))
process.stdout.write(`${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`)
