// Ids whose handing out is lost, with the damaged group or the unsynced tail that said so, are not given again.
import t from 'tap'
import { segmentHeaderBytes } from '../../storage/layout/format.ts'
import type { Store } from '../../storage/store.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { append, BackupLife, makeTopic, offsetsOf, upTo } from './backup-life.ts'

t.comment(`SEED=${seedOfRun}`)

const segment = '/data/log/0000000000000001.segment'

/** Where the next group will stand in the first segment of a store that was made by this process. */
const endOf = (store: Store): number => segmentHeaderBytes + store.stats().flushedBytes

/** Its process goes before a snapshot could say what its groups did. */
async function killed(life: BackupLife, store: Store): Promise<void> {
  life.disk.stop()
  await store.close().catch(() => undefined)
  life.disk = life.disk.processKill()
}

async function reserve(store: Store): Promise<number> {
  const { producerIds } = await store.commit({
    changes: [{ op: 'reserve-producer-ids', count: 1000 }]
  })
  return producerIds[0] ?? -1
}

t.test('producer ids, their group damaged', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store } = await life.open('/data')
  const [queue = 0] = await makeTopic(store, 1)
  const at = endOf(store)
  const given = await reserve(store)
  await append(store, queue, 0, 2)
  await killed(life, store)
  life.disk.rot(segment, at, 0)
  const again = await life.open('/data')
  t.equal(again.store.recovery.damages.length, 1)
  const next = await reserve(again.store)
  t.ok(next >= given + 1000, `${next} comes after ${given}`)
  t.same(await offsetsOf(again.store, queue), upTo(2))
  await again.store.close()
})

t.test('queue uids, the group damaged that made their topic', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store } = await life.open('/data')
  const [kept = 0] = await makeTopic(store, 1)
  const at = endOf(store)
  const [lost = 0] = await makeTopic(store, 1, 'cd'.repeat(16))
  await append(store, lost, 0, 2)
  await append(store, kept, 0, 2)
  await killed(life, store)
  life.disk.rot(segment, at, 0)
  const again = await life.open('/data')
  t.equal(again.store.recovery.damages.length, 1)
  const [made = 0] = await makeTopic(again.store, 1, 'ef'.repeat(16))
  t.ok(made > lost, `${made} comes after ${lost}`)
  await append(again.store, made, 0, 1)
  t.same(await offsetsOf(again.store, made), upTo(1))
  t.same(await offsetsOf(again.store, kept), upTo(2))
  await again.store.close()
})

t.test('producer ids, lost with what was not fsynced in the flush mode async', async (t) => {
  const life = new BackupLife(seedOfRun)
  life.flushMode = 'async'
  const { store, index } = await life.open('/data')
  const [queue = 0] = await makeTopic(store, 1)
  await store.settle()
  const kept = life.disk.peek(segment).length
  const given = await reserve(store)
  life.disk.stop()
  await store.close().catch(() => undefined)
  life.disk = life.disk.powerCut()
  // Whatever the disk kept of it.
  const cut = await life.disk.open(segment, 'write')
  await cut.truncate(Math.min(kept, await cut.size()))
  await cut.sync()
  await cut.close()
  const again = await life.open('/data', index)
  const next = await reserve(again.store)
  t.ok(next >= given + 1000, `${next} comes after ${given}`)
  t.same(await offsetsOf(again.store, queue), [])
  await again.store.close()
})
