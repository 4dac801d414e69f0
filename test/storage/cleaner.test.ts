// What the cleaner does by the clock: it keeps to its pace, and a store that closes does not wait for it.
import t, { type Test } from 'tap'
import { openStore } from '../../storage/open-store.ts'
import type { StoreSettings } from '../../storage/settings.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { IndexCopies } from '../support/index-copies.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { appendOf, batchOf, dataOf } from './engine/world.ts'

/** A second for each group that the cleaner copies, of 64 KiB at most here. */
const settings = {
  segmentBytes: 64 * 1024,
  checkpointBytes: 16 * 1024,
  reserveBytes: 0,
  cleanerBytesPerSecondMax: 64 * 1024
}

/** A store whose segments hold one record in three that can be read. */
async function mostlyDead(t: Test, more: Partial<StoreSettings> = {}) {
  const random = new SeededRandom(1)
  const disk = new FaultyDisk({ random: random.fork() })
  disk.addFolder('/data')
  const index = new IndexCopies()
  await index.lay('lost')
  const clock = new FakeClock()
  const openIndex = () => index.database
  const world = { folder: '/data', fileSystem: disk, clock, random, openIndex, log: () => {} }
  const store = await openStore({ ...world, settings: { ...settings, ...more } })
  t.teardown(() => store.close())
  const names = { kafka: 't', rocketmq: 't' }
  const topic = { id: '1'.repeat(32), names, queueCount: 2 }
  const { topics } = await store.commit({ changes: [{ op: 'create-topic', topic }] })
  const [keeps, goes] = topics[0]!.queues as [number, number]
  const append = (queue: number) =>
    store.commit({ appends: [appendOf(queue, batchOf(['x'.repeat(20_000)]))] })
  for (let i = 0; i < 8; i++) for (const queue of [keeps, goes, goes]) await append(queue)
  for (let i = 0; i < 4; i++) await append(keeps)
  await store.commit({ changes: [{ op: 'move-log-start', queue: goes, offset: 15 }] })
  return { store, clock, disk, keeps }
}

t.test('the cleaner writes no faster than it may', async (t) => {
  const { store, clock } = await mostlyDead(t)
  let done = false
  const cleaned = store.enforceRetention().then(() => {
    done = true
  })
  await settled(200)
  t.notOk(done, 'it waits')
  t.equal(store.stats().segmentsCleaned, 0)
  let waitedMs = 0
  for (; !done && waitedMs < 60_000; waitedMs += 100) await clock.advance(100)
  await cleaned
  const { segmentsCleaned } = store.stats()
  t.ok(segmentsCleaned >= 4, `${segmentsCleaned} segments`)
  // Each has a live record of 20,000 bytes, at the least.
  t.ok(waitedMs >= segmentsCleaned * 300, `${waitedMs} ms`)
})

t.test('a store that closes does not wait for the clock', async (t) => {
  const { store, disk } = await mostlyDead(t)
  const cleaned = store.enforceRetention()
  await settled(200)
  await store.close()
  await cleaned
  t.equal(store.stats().segmentsCleaned, 0)
  t.equal(disk.openFiles.size, 0)
})

t.test('a reader gets on, though segments go under it one after the other', async (t) => {
  const { store, disk, keeps } = await mostlyDead(t, { tailBytes: 64 * 1024, coldCacheBytes: 0 })
  const read = async (offset: number) => {
    const queues = [{ queue: keeps, offset, maxBytes: 100_000 }]
    const [one] = await store.read({ queues, maxBytes: 100_000, isolation: 'uncommitted' })
    return dataOf(one)
  }
  const lookUpsMax = 4
  for (let i = 0; i < lookUpsMax; i++) disk.failNext('open', 'ENOENT', /2\.segment$/)
  const first = await read(0)
  t.ok(first.bytes > 0, 'what it has read so far is given')
  t.ok(first.nextOffset < 5, 'and no more')
  t.ok((await read(first.nextOffset)).nextOffset > first.nextOffset, 'it goes on there')
})
