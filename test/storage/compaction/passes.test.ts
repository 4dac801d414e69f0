// Passes of compaction at their limits: a table of keys that is too small, the cleaner's pace, batches that are broken.
import t from 'tap'
import { encodeBatch } from '../../../storage/batch/encode-batch.ts'
import { settled } from '../../support/fake-clock.ts'
import { compactedQueue, type Entry, entriesBatch, found, put, seal } from '../engine/compacted.ts'
import { contractTest } from '../engine/world.ts'
import { onFaultyDisk, tinySettings } from '../store-under-test.ts'

t.setTimeout(300_000)

const open = onFaultyDisk({ flushMode: 'sync', settings: tinySettings })

const mapBytes = 64 * 1024
const smallMap = onFaultyDisk({
  flushMode: 'sync',
  settings: { ...tinySettings, compactionMapBytesMax: mapBytes }
})

contractTest(t, smallMap, 'more keys than go into memory take several passes', async (t, world) => {
  const queue = await compactedQueue(world)
  const filler = await world.queue('filler')
  const keyCount = 5000
  const perBatch = 100
  for (const version of ['old', 'new'])
    for (let from = 0; from < keyCount; from += perBatch) {
      const entries: Entry[] = []
      for (let i = from; i < from + perBatch; i++) entries.push([`key ${i}`, `${version}${i}`])
      await put(world, queue, entries)
    }
  await seal(world, filler)
  await world.engine.enforceRetention()
  const { compactionPasses, compactedRecords } = world.engine.stats()
  t.ok(compactionPasses >= 4, `${compactionPasses} passes`)
  t.equal(compactedRecords, keyCount)
  await world.under.crash()
  const expected = Array.from({ length: keyCount }, (_, i) => `${keyCount + i} key ${i}=new${i}`)
  t.same(await found(world, queue), expected)
})

contractTest(
  t,
  smallMap,
  'a batch of more keys than go into memory is got over',
  async (t, world) => {
    const queue = await compactedQueue(world)
    const filler = await world.queue('filler')
    const many: Entry[] = Array.from({ length: 2300 }, (_, i) => [`${i}`, 'x'])
    await put(world, queue, many)
    await put(world, queue, [['0', 'y']])
    await seal(world, filler)
    await world.engine.enforceRetention()
    const left = await found(world, queue)
    t.equal(left.length, 2300)
    t.equal(left.at(-1), '2300 0=y')
  }
)

const slow = onFaultyDisk({
  flushMode: 'sync',
  settings: { ...tinySettings, cleanerBytesPerSecondMax: 64 * 1024 }
})

contractTest(t, slow, 'a pass keeps to the cleaner\u2019s pace', async (t, world) => {
  const queue = await compactedQueue(world)
  for (let i = 0; i < 40; i++) await put(world, queue, [[`k${i % 2}`, `v${i}:${'x'.repeat(6000)}`]])
  let isDone = false
  const done = world.engine.enforceRetention().then(() => {
    isDone = true
  })
  await settled(200)
  t.notOk(isDone, 'it waits')
  let waitedMs = 0
  for (; !isDone && waitedMs < 120_000; waitedMs += 100) await world.clock.advance(100)
  await done
  // 240,000 bytes, of which all sealed ones are read.
  t.ok(waitedMs > 2000, `${waitedMs} ms`)
  t.ok(world.engine.stats().compactedRecords > 20)
})

contractTest(t, slow, 'a store that closes does not wait for a pass', async (t, world) => {
  const queue = await compactedQueue(world)
  for (let i = 0; i < 40; i++) await put(world, queue, [[`k${i % 2}`, `v${i}:${'x'.repeat(6000)}`]])
  const done = world.engine.enforceRetention()
  await settled(200)
  await world.under.reopen()
  await done
  t.equal((await found(world, queue)).length, 40)
})

contractTest(
  t,
  open,
  'a queue with a batch that cannot be taken apart is left alone, others are not',
  async (t, world) => {
    const broken = await compactedQueue(world, {}, 'broken')
    const sound = await compactedQueue(world, {}, 'sound')
    const filler = await world.queue('filler')
    for (const queue of [broken, sound]) {
      await put(world, queue, [['a', '1']])
      await put(world, queue, [['a', '2']])
    }
    const garbage = encodeBatch([{ timestamp: 1, key: Buffer.from('k'), value: null }], {
      codec: 'gzip',
      deflate: () => Buffer.from('no gzip at all')
    })
    await world.append(broken, garbage)
    await put(world, sound, [['b', '1']])
    await seal(world, filler)
    await world.engine.enforceRetention()
    t.same(await found(world, sound), ['1 a=2', '2 b=1'])
    t.equal(world.engine.stats().queuesUncompactable, 1)
    const data = await world.readOne({ queue: broken })
    t.equal(data.nextOffset, 3, 'all of it is there')
    await world.engine.enforceRetention()
    t.equal(world.engine.stats().compactionPasses, 1, 'it is not tried again at once')
  }
)

contractTest(t, open, 'records without a key go, as they can never be kept', async (t, world) => {
  const queue = await compactedQueue(world)
  const filler = await world.queue('filler')
  const none = encodeBatch([
    { timestamp: 1, value: Buffer.from('x') },
    { timestamp: 1, key: Buffer.from('a'), value: Buffer.from('1') }
  ])
  await world.append(queue, none)
  await world.append(queue, entriesBatch([['b', '1']], 1))
  await seal(world, filler)
  await world.engine.enforceRetention()
  t.same(await found(world, queue), ['1 a=1', '2 b=1'])
})
