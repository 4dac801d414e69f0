/** Single records: packed at seal, found by key, told apart from Kafka's when they are read. */
import type { Test } from 'tap'
import { isBatchFault, parseBatches, storedBatch } from '../../../storage/batch/parse-batch.ts'
import type {
  Append,
  KeyQuery,
  PackedRecord,
  QueueData,
  QueueUid
} from '../../../storage/contract.ts'
import { batchOf, contractTest, type OpenEngine, type World } from './world.ts'

/** Null key, the text as value, no headers, by hand: zigzag varints of small numbers. */
export function packedRecord(text: string, more: Partial<PackedRecord> = {}): PackedRecord {
  const value = Buffer.from(text)
  const length = value.length * 2
  const varint = length < 128 ? [length] : [(length & 127) | 128, length >> 7]
  const encoded = Buffer.concat([Buffer.of(1), Buffer.from(varint), value, Buffer.of(0)])
  return { timestamp: 1000, encoded, isCompressed: false, keys: [], ...more }
}

function sent(queue: QueueUid, ...records: PackedRecord[]): Append {
  return { queue, records, origin: 'rocketmq' }
}

async function read(world: World, queue: QueueUid, offset = 0): Promise<QueueData> {
  const [data] = await world.engine.read({
    queues: [{ queue, offset, maxBytes: 1 << 20 }],
    maxBytes: 1 << 20,
    isolation: 'uncommitted',
    withOrigins: true
  })
  if (data === undefined || data instanceof Error) throw data
  return data
}

function recordCounts(data: QueueData): number[] {
  const batches = parseBatches(Buffer.concat([...data.buffers]), storedBatch)
  if (isBatchFault(batches)) throw new Error(batches.text)
  return batches.map(({ recordCount }) => recordCount)
}

async function offsetsByKey(world: World, query: Partial<KeyQuery> & { topicId: string }) {
  const found = await world.engine.findByKey({
    key: 'k',
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
    countMax: 100,
    ...query
  })
  return found.map(({ offset }) => offset)
}

export function packedTests(t: Test, open: OpenEngine): void {
  contractTest(
    t,
    open,
    'records sent alone share a batch with their neighbours, a batch between them parts them',
    async (t, world) => {
      const queue = await world.queue()
      // The first flush holds the line up, so that the rest is sealed as one group.
      const commits = ['first', 'a', 'b', 'c'].map((text) =>
        world.engine.commit({ appends: [sent(queue, packedRecord(text))] })
      )
      commits.push(
        world.engine.commit({
          appends: [{ queue, batches: [batchOf(['kafka'])], origin: 'kafka' }]
        }),
        world.engine.commit({ appends: [sent(queue, packedRecord('d'), packedRecord('e'))] })
      )
      const results = await Promise.all(commits)
      t.same(
        results.map(({ appends }) => appends[0]?.baseOffset),
        [0, 1, 2, 3, 4, 5]
      )
      await world.engine.settle()
      t.same(await world.valuesOf(queue), ['first', 'a', 'b', 'c', 'kafka', 'd', 'e'])
      const data = await read(world, queue)
      const counts = recordCounts(data)
      t.ok(counts.length < 7, `${counts} records in each batch`)
      t.equal(counts.at(-1), 2)
      const origins = data.origins.map(({ origin, nextOffset }) => `${origin} ${nextOffset}`)
      t.same(origins.slice(-3), ['rocketmq 4', 'kafka 5', 'rocketmq 7'])
      await world.under.crash()
      t.same(await world.valuesOf(queue), ['first', 'a', 'b', 'c', 'kafka', 'd', 'e'])
    }
  )

  contractTest(t, open, 'a batch holds 256 packed records at most', async (t, world) => {
    const queue = await world.queue()
    const many = Array.from({ length: 600 }, (_, i) => packedRecord(`${i}`))
    const { appends } = await world.commit({ appends: [sent(queue, ...many)] })
    t.equal(appends[0]?.baseOffset, 0)
    t.same(recordCounts(await read(world, queue)), [256, 256, 88])
    t.equal((await world.engine.ends(queue)).highWatermark, 600)
  })

  contractTest(
    t,
    open,
    'compressed bodies are told of where they are, and only there',
    async (t, world) => {
      const queue = await world.queue()
      await world.commit({ appends: [sent(queue, packedRecord('plain'))] })
      t.equal((await read(world, queue)).hasCompressedBodies, false)
      await world.commit({ appends: [sent(queue, packedRecord('z', { isCompressed: true }))] })
      for (const restart of [undefined, 'reopen', 'crash'] as const) {
        if (restart !== undefined) await world.under[restart]()
        t.equal((await read(world, queue, 1)).hasCompressedBodies, true)
      }
    }
  )

  contractTest(
    t,
    open,
    'records are found by key, newest first, in memory, in the index and after a rebuild',
    async (t, world) => {
      const topic = await world.topic('t', 2)
      const [a, b] = topic.queues as [QueueUid, QueueUid]
      const keyed = (...keys: string[]) => packedRecord('x', { keys })
      await world.commit({ appends: [sent(a, keyed('k'), keyed('other'), keyed('k', 'l'))] })
      await world.clock.advance(1000)
      const before = world.clock.now()
      await world.commit({ appends: [sent(b, keyed(), keyed('k'))] })
      const topicId = topic.id
      for (const restart of [undefined, 'reopen', 'crash'] as const) {
        if (restart !== undefined) await world.under[restart]()
        t.same(await offsetsByKey(world, { topicId }), [1, 2, 0])
        t.same(await offsetsByKey(world, { topicId, key: 'l' }), [2])
        t.same(await offsetsByKey(world, { topicId, key: 'none' }), [])
        t.same(await offsetsByKey(world, { topicId, countMax: 1 }), [1])
        t.same(await offsetsByKey(world, { topicId, toMs: before - 1 }), [2, 0])
        t.same(await offsetsByKey(world, { topicId, fromMs: before }), [1])
      }
      await world.commit({ changes: [{ op: 'delete-topic', id: topicId }] })
      t.same(await offsetsByKey(world, { topicId }), [])
    }
  )
}
