/** When compaction comes, and what stays for a while. */
import { setImmediate } from 'node:timers/promises'
import type { Test } from 'tap'
import { deleteHorizonBit } from '../../../storage/batch/attributes.ts'
import { compactedQueue, found, padded, put, restart, restarts, seal } from './compacted.ts'
import { batchesOf, contractTest, type OpenEngine } from './world.ts'

/** Waits for what the store does by itself on a real disk. */
async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < turnsMax && !holds(); turns++) await setImmediate()
  if (!holds()) throw new Error('it never happened')
}

/** Turns of the event loop; minutes, if need be. */
const turnsMax = 10_000_000

export function compactionTimeTests(t: Test, open: OpenEngine): void {
  contractTest(
    t,
    open,
    'tombstones go, delete.retention.ms after they were first compacted',
    async (t, world) => {
      const queue = await compactedQueue(world, { 'delete.retention.ms': '60000' })
      const filler = await world.queue('filler')
      await put(world, queue, [
        ['a', '1'],
        ['b', '1']
      ])
      await put(world, queue, [
        ['a', null],
        ['c', '1']
      ])
      await world.clock.advance(500_000)
      await seal(world, filler)
      await world.engine.enforceRetention()
      const before = ['1 b=1', '2 a=gone', '3 c=1']
      t.same(await found(world, queue), before, 'however old it was')
      const [, batch] = batchesOf(await world.readOne({ queue }))
      t.equal(batch!.attributes & deleteHorizonBit, deleteHorizonBit)
      t.ok(batch!.baseTimestamp >= world.clock.now() + 59_000, 'KIP-534')
      t.equal((await world.recordsOf(queue))[1]!.timestamp, batch!.maxTimestamp)
      await world.clock.advance(59_000)
      await world.engine.enforceRetention()
      await world.under.crash()
      t.same(await found(world, queue), before)
      await world.clock.advance(10_000)
      // By itself: nothing was appended, but the clock says that it is time.
      const { compactionPasses } = world.engine.stats()
      await world.clock.advance(40_000)
      await until(() => world.engine.stats().compactionPasses > compactionPasses)
      for (const how of restarts) {
        await restart(world, how)
        t.same(await found(world, queue), ['1 b=1', '3 c=1'])
      }
    }
  )

  contractTest(t, open, 'the end of a queue is never compacted away', async (t, world) => {
    const config = { 'delete.retention.ms': '0', 'max.compaction.lag.ms': '1000' }
    const queue = await compactedQueue(world, config)
    await put(world, queue, [['a', '1']])
    await put(world, queue, [['a', null]])
    for (let i = 0; i < 4; i++) {
      await world.clock.advance(60_000)
      await world.engine.enforceRetention()
    }
    for (const how of restarts) {
      await restart(world, how)
      t.same(await found(world, queue), [])
      t.match(await world.engine.ends(queue), { logStartOffset: 0, highWatermark: 2 })
      const data = await world.readOne({ queue, offset: 0 })
      t.equal(data.nextOffset, 2, 'readers get there')
      t.ok(data.bytes > 0)
    }
    await put(world, queue, [['b', '1']])
    t.same(await found(world, queue), ['2 b=1'])
  })

  contractTest(t, open, 'min.compaction.lag.ms leaves young records alone', async (t, world) => {
    const queue = await compactedQueue(world, { 'min.compaction.lag.ms': '100000' })
    const filler = await world.queue('filler')
    await put(world, queue, [['a', '1']])
    await put(world, queue, [['a', '2']])
    await seal(world, filler)
    await world.clock.advance(60_000)
    await put(world, queue, [['a', '3']])
    await seal(world, filler)
    await world.engine.enforceRetention()
    t.same(await found(world, queue), ['0 a=1', '1 a=2', '2 a=3'])
    await world.clock.advance(50_000)
    await world.engine.enforceRetention()
    t.same(await found(world, queue), ['1 a=2', '2 a=3'])
    await world.clock.advance(60_000)
    await world.engine.enforceRetention()
    t.same(await found(world, queue), ['2 a=3'])
  })

  contractTest(
    t,
    open,
    'max.compaction.lag.ms compacts what is old, though its segment is not full',
    async (t, world) => {
      const config = { 'max.compaction.lag.ms': '100000', 'min.cleanable.dirty.ratio': '1' }
      const queue = await compactedQueue(world, config)
      await put(world, queue, [['a', '1']])
      await put(world, queue, [['a', '2']])
      await world.engine.enforceRetention()
      t.same(await found(world, queue), ['0 a=1', '1 a=2'])
      await world.clock.advance(99_000)
      t.equal(world.engine.stats().compactionPasses, 0)
      await world.clock.advance(2000)
      await until(() => world.engine.stats().compactionPasses > 0)
      t.same(await found(world, queue), ['1 a=2'], 'by the clock alone')
      await world.under.crash()
      t.same(await found(world, queue), ['1 a=2'])
    }
  )

  contractTest(
    t,
    open,
    'min.cleanable.dirty.ratio says how much must be dirty, over restarts too',
    async (t, world) => {
      const queue = await compactedQueue(world, { 'min.cleanable.dirty.ratio': '0.6' })
      const filler = await world.queue('filler')
      for (let i = 0; i < 8; i++) await put(world, queue, [[`k${i}`, padded('old')]])
      await seal(world, filler)
      await world.engine.enforceRetention()
      const { compactionPasses } = world.engine.stats()
      t.equal(compactionPasses, 1, 'all of it was dirty')
      await world.under.reopen()
      for (let i = 0; i < 8; i++) await put(world, queue, [[`k${i}`, padded('new')]])
      await seal(world, filler)
      await world.engine.enforceRetention()
      t.equal(world.engine.stats().compactionPasses, 0, 'half of it is dirty')
      t.equal((await found(world, queue)).length, 16)
      for (let i = 0; i < 8; i++) await put(world, queue, [[`k${i}`, padded('newer')]])
      await seal(world, filler)
      await world.engine.enforceRetention()
      t.equal((await found(world, queue)).length, 8)
    }
  )

  contractTest(
    t,
    open,
    'compact,delete: of each key the newest, and none that is too old',
    async (t, world) => {
      const policy = { 'cleanup.policy': 'compact,delete', 'retention.ms': '1000000' }
      const queue = await compactedQueue(world, policy)
      const filler = await world.queue('filler')
      await put(world, queue, [['a', '1']])
      await put(world, queue, [['b', '1']])
      await put(world, queue, [['b', '2']])
      await seal(world, filler)
      await world.clock.advance(600_000)
      await put(world, queue, [['c', '1']])
      await seal(world, filler)
      await world.engine.enforceRetention()
      t.same(await found(world, queue), ['0 a=1', '2 b=2', '3 c=1'])
      await world.clock.advance(500_000)
      await world.engine.enforceRetention()
      for (const how of restarts) {
        await restart(world, how)
        const { logStartOffset } = await world.engine.ends(queue)
        t.equal(logStartOffset, 3)
        t.same(await found(world, queue, 3), ['3 c=1'])
      }
    }
  )

  contractTest(t, open, 'a quiet store with compacted topics sets no timer', async (t, world) => {
    const queue = await compactedQueue(world)
    const filler = await world.queue('filler')
    await put(world, queue, [['a', '1']])
    await put(world, queue, [['a', '2']])
    await seal(world, filler)
    for (let i = 0; i < 4; i++) {
      await world.clock.advance(30_000)
      await world.engine.enforceRetention()
    }
    t.equal(world.clock.timers, 0)
    t.same(await found(world, queue), ['1 a=2'])
    await put(world, queue, [['a', '3']])
    t.ok(world.clock.timers > 0)
  })
}
