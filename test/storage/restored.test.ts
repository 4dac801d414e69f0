// The first open of a backup: clients must be able to tell it from the store that lived on.
import t, { type Test } from 'tap'
import type { Store } from '../../storage/store.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { append, BackupLife, makeTopic, offsetsOf, upTo } from './backup-life.ts'

t.comment(`SEED=${seedOfRun}`)

async function epochOf(store: Store, queue: number): Promise<number> {
  const [ends] = await store.endsOf([queue])
  return ends?.leaderEpoch ?? -1
}

async function nextProducerId(store: Store): Promise<number> {
  const { producerIds } = await store.commit({
    changes: [{ op: 'reserve-producer-ids', count: 1 }]
  })
  return producerIds[0] ?? -1
}

/** A store of one queue, backed up with ten records (/backups/b, and a twin); it goes on to fifteen, and is cut off. */
async function livedOn(
  t: Test,
  life: BackupLife
): Promise<{ queue: number; epoch: number; id: number }> {
  const { store, index } = await life.open('/data')
  const [queue = 0] = await makeTopic(store, 1)
  await append(store, queue, 0, 10)
  await store.backup('/backups/b')
  await store.backup('/backups/twin')
  await append(store, queue, 10, 5)
  const id = await nextProducerId(store)
  await store.settle()
  // What the store does after its backup: an open that cannot prove what was lost.
  life.disk.failNext('datasync', 'EIO')
  await t.rejects(append(store, queue, 15, 1))
  await store.close()
  life.disk = life.disk.powerCut()
  await index.lay('lost')
  const path = '/data/open'
  const mark = await life.disk.open(path, 'write')
  await mark.writev([Buffer.from('?')], 0)
  await mark.sync()
  await mark.close()
  const again = await life.open('/data', index)
  t.match(again.store.recovery.epochsRaised, /./, 'epochs rose in the store itself')
  const epoch = await epochOf(again.store, queue)
  await again.store.close()
  return { queue, epoch, id }
}

t.test('a restored store has epochs above all that clients can have seen', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { queue, epoch } = await livedOn(t, life)
  const { store, index } = await life.open('/backups/b')
  t.equal(store.recovery.epochsRaised, 'the store was restored from a backup')
  const restored = await epochOf(store, queue)
  t.ok(restored > epoch, `${restored} > ${epoch}`)
  for (const seen of [0, epoch])
    t.same((await store.epochEnd(queue, seen))?.endOffset, 10, `epoch ${seen} ended there`)
  await append(store, queue, 10, 3)
  t.same(await store.epochEnd(queue, restored), { epoch: restored, endOffset: 13 })
  await store.close()
  const again = await life.open('/backups/b', index)
  t.equal(again.store.recovery.epochsRaised, undefined, 'once only')
  t.equal(await epochOf(again.store, queue), restored)
  t.same(await offsetsOf(again.store, queue), upTo(13))
  await again.store.close()
})

t.test('the same backup restored twice gives two stores that clients can tell apart', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { queue } = await livedOn(t, life)
  const first = await life.open('/backups/b')
  const epoch = await epochOf(first.store, queue)
  await append(first.store, queue, 10, 20)
  await first.store.close()
  await life.clock.advance(1000)
  const second = await life.open('/backups/twin')
  t.ok((await epochOf(second.store, queue)) > epoch)
  await append(second.store, queue, 10, 25)
  t.same((await second.store.epochEnd(queue, epoch))?.endOffset, 10)
  await second.store.close()
})

t.test('producer ids that were given out after the backup are not given again', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { id } = await livedOn(t, life)
  const { store } = await life.open('/backups/b')
  const next = await nextProducerId(store)
  t.ok(next > id && Number.isSafeInteger(next), `${next} > ${id}`)
  await store.close()
})

t.test('a clock that is wrong costs the leap, not the rise', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { queue } = await livedOn(t, life)
  for (const [name, nowMs] of [
    ['1970', 0],
    ['2600', 19_880_899_200_000]
  ] as const) {
    const { store } = await life.open('/data')
    await store.backup(`/backups/${name}`)
    const epoch = await epochOf(store, queue)
    await store.close()
    life.clock.stepWallClock(nowMs - life.clock.now())
    const restored = await life.open(`/backups/${name}`)
    const risen = await epochOf(restored.store, queue)
    t.ok(risen > epoch && risen < 2 ** 31, `${risen}`)
    t.ok(Number.isSafeInteger(await nextProducerId(restored.store)))
    await restored.store.close()
  }
})

t.test('a first open that is cut off anywhere is made up for by the next', async (t) => {
  let cut = 0
  for (let calls = 0; calls < 60; calls++) {
    const life = new BackupLife(seedOfRun + calls)
    const { store } = await life.open('/data')
    const [queue = 0] = await makeTopic(store, 1)
    await append(store, queue, 0, 10)
    await store.backup('/backups/b')
    await store.close()
    life.disk.stopAfter(calls)
    const opened = await life.open('/backups/b').catch(() => undefined)
    if (life.disk.stopped) cut++
    life.disk = life.random.chance(0.5) ? life.disk.powerCut() : life.disk.processKill()
    void opened
    const again = await life.open('/backups/b')
    const epoch = await epochOf(again.store, queue)
    // As many seconds as have passed since 2020.
    t.ok(epoch > 1000, `cut off after ${calls} calls: epoch ${epoch}`)
    t.same(await offsetsOf(again.store, queue), upTo(10))
    await again.store.close()
    t.same(await life.problems('/backups/b'), [])
  }
  t.ok(cut > 20, `${cut} were cut off`)
})
