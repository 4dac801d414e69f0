import type { Test } from 'tap'
import type { PackedRecord, QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import { stateKeys, type TimerRow } from '../../../storage/state/rows.ts'
import { packedRecord } from './packed.ts'
import { batchAt, batchOf, contractTest, type OpenEngine, refusal, type World } from './world.ts'

const startOf = async (world: World, queue: QueueUid) =>
  (await world.engine.ends(queue)).logStartOffset

/** A topic's only queue, with settings. */
async function queueWith(world: World, config: Record<string, string>): Promise<QueueUid> {
  return (await world.topic('kept', 1, { config })).queues[0]!
}

/** A batch whose record is dated now. */
const batchNow = (world: World) => batchAt(world.clock.now())

export function retentionTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'records go at their age, and stay gone', async (t, world) => {
    const queue = await queueWith(world, { 'retention.ms': '60000' })
    const forever = await world.queue('forever')
    await world.append(forever, batchNow(world))
    await world.append(queue, batchNow(world))
    await world.clock.advance(30_000)
    await world.append(queue, batchNow(world))
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 0, 'nothing is old enough')
    await world.clock.advance(30_700)
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 1)
    for (const how of ['crash', 'reopen'] as const) {
      t.equal(await startOf(world, queue), 1)
      const [gone] = await world.read([{ queue, offset: 0, maxBytes: 1000 }])
      t.match(gone, new StoreError('offset-out-of-range', (gone as StoreError).message))
      t.equal((await world.recordsOf(queue, 1)).length, 1)
      await world.under[how]()
    }
    await world.clock.advance(60_000)
    await world.engine.enforceRetention()
    t.match(await world.engine.ends(queue), { logStartOffset: 2, highWatermark: 2 })
    t.equal(await startOf(world, forever), 0)
    t.equal(await world.append(queue, batchNow(world)), 2, 'offsets go on')
    t.equal((await world.recordsOf(queue, 2)).length, 1)
  })

  contractTest(t, open, 'the age of a record is its own where Kafka says it', async (t, world) => {
    const queue = await queueWith(world, { 'retention.ms': '60000' })
    const now = world.clock.now()
    await world.append(queue, batchAt(now - 100_000, now - 90_000))
    await world.append(queue, batchAt(now - 100_000, now - 1000))
    await world.append(queue, batchAt(now + 10_000_000))
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 2, 'the newest of a batch counts')
    await world.clock.advance(70_000)
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 5, 'the time of the append bounds what lies in the future')
    const records: PackedRecord[] = [packedRecord('a', { timestamp: now - 100_000 })]
    await world.commit({ appends: [{ queue, records, origin: 'rocketmq' }] })
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 5, "of RocketMQ's records the time of the append counts")
    await world.clock.advance(61_000)
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 6)
  })

  contractTest(t, open, 'a queue keeps as many bytes as its topic says', async (t, world) => {
    const batch = () => batchOf(['x'.repeat(900)])
    const bytes = batch().bytes.length
    const queue = await queueWith(world, { 'retention.bytes': `${bytes * 3}` })
    for (let i = 0; i < 3; i++) await world.append(queue, batch())
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 0)
    t.same(await world.engine.sizesOf([queue]), [bytes * 3])
    await world.append(queue, batch())
    await world.append(queue, batch())
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 2)
    t.same(await world.engine.sizesOf([queue, 999]), [bytes * 3, undefined])
    await world.under.crash()
    await world.append(queue, batch())
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 3)
    t.same(await world.engine.sizesOf([queue]), [bytes * 3])
  })

  contractTest(t, open, 'a policy that changes is followed', async (t, world) => {
    const { id, queues } = await world.topic('kept')
    await world.append(queues[0]!, batchNow(world))
    await world.clock.advance(100_000)
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queues[0]!), 0)
    const update = { config: { 'retention.ms': '50000' } }
    await world.commit({ changes: [{ op: 'update-topic', id, update }] })
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queues[0]!), 1)
  })

  contractTest(t, open, 'log starts move forward, up to the end', async (t, world) => {
    const queue = await world.queue()
    await world.append(queue, batchOf(['a', 'b', 'c']))
    const move = (offset: number) =>
      world.commit({ changes: [{ op: 'move-log-start', queue, offset }] })
    await move(2)
    await Promise.all([move(1), move(0)])
    t.equal(await startOf(world, queue), 2)
    for (const how of ['reopen', 'crash'] as const) {
      t.equal(await startOf(world, queue), 2)
      t.same(await world.valuesOf(queue, 2), ['a', 'b', 'c'], 'of a batch nothing is cut off')
      await world.under[how]()
    }
    await move(100)
    t.match(await world.engine.ends(queue), { logStartOffset: 3, highWatermark: 3 })
    await world.commit({
      appends: [{ queue, batches: [batchOf(['d'])], origin: 'kafka' }],
      changes: [{ op: 'move-log-start', queue, offset: 100 }]
    })
    t.match(await world.engine.ends(queue), { logStartOffset: 4, highWatermark: 4 })
    const nowhere = { op: 'move-log-start', queue: 999, offset: 1 } as const
    t.equal((await refusal(world.commit({ changes: [nowhere] }))).code, 'queue-gone')
  })

  contractTest(t, open, 'what a timer waits for is kept', async (t, world) => {
    const target = await world.topic('target')
    const config = { 'retention.ms': '1000' }
    const waiting = (await world.topic('waiting', 1, { system: true })).queues[0]!
    const mixed = (await world.topic('mixed', 1, { config })).queues[0]!
    const timerOf = (queue: QueueUid, offset: number): TimerRow => {
      const detail = {}
      const place = { queue, offset, targetTopicId: target.id, targetQueue: 0 }
      return { ...place, dueMs: 5, action: 'copy', count: 0, detail }
    }
    const settle = (queue: QueueUid, offset: number) =>
      world.commit({ changes: [{ op: 'delete', key: stateKeys.timer(queue, offset) }] })
    for (const queue of [waiting, mixed])
      for (let i = 0; i < 4; i++)
        await world.commit({
          appends: [{ queue, batches: [batchNow(world)], origin: 'kafka' }],
          changes: [{ op: 'put', row: { family: 'timer', row: timerOf(queue, i) } }]
        })
    await world.clock.advance(100_000)
    for (const queue of [waiting, mixed]) {
      await settle(queue, 0)
      await settle(queue, 2)
    }
    await world.engine.enforceRetention()
    await world.under.crash()
    await world.engine.enforceRetention()
    t.equal(await startOf(world, waiting), 1)
    t.equal(await startOf(world, mixed), 1)
    t.equal((await world.recordsOf(mixed, 1)).length, 3)
    for (const queue of [waiting, mixed]) await settle(queue, 1)
    await world.engine.enforceRetention()
    t.equal(await startOf(world, waiting), 3)
    t.equal(await startOf(world, mixed), 3)
    for (const queue of [waiting, mixed]) await settle(queue, 3)
    await world.engine.enforceRetention()
    t.equal(await startOf(world, waiting), 4)
    t.equal(await startOf(world, mixed), 4)
  })

  contractTest(t, open, 'while nothing can expire the clock is left alone', async (t, world) => {
    const idle = async () => {
      await world.engine.enforceRetention()
      // The checks that events asked for find nothing to do.
      for (let i = 0; i < 3; i++) {
        await world.clock.advance(30_000)
        await world.engine.enforceRetention()
      }
      return world.clock.timers
    }
    t.equal(await idle(), 0, 'an empty store')
    const { id } = await world.topic('forever')
    const forever = await world.queue('other')
    await world.append(forever, batchNow(world))
    await world.append(forever, batchNow(world))
    t.equal(await idle(), 0, 'records that stay for ever')
    await world.commit({ changes: [{ op: 'delete-topic', id }] })
    t.equal(await idle(), 0, 'a topic that went')
    const queue = await queueWith(world, { 'retention.ms': '10000000' })
    await world.append(queue, batchNow(world))
    t.equal(await idle(), 1, 'one timer for the record that will have its age')
    await world.clock.advance(9_000_000)
    t.equal(world.clock.timers, 1)
    t.equal(await startOf(world, queue), 0)
    const moved = world.engine.waitForData({
      queues: [{ queue, offset: 0 }],
      minBytes: 1e9,
      maxWaitMs: 100_000_000,
      isolation: 'uncommitted'
    })
    await world.clock.advance(2_000_000)
    t.equal(await moved, 'changed', 'who waits for it hears of it')
    await world.engine.enforceRetention()
    t.equal(await startOf(world, queue), 1)
    t.equal(await idle(), 0)
  })
}
