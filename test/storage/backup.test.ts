// Backups of a store that goes on: what is in them, and what stands there when anything is cut off.
import t from 'tap'
import { BackupError, OpenError } from '../../storage/errors.ts'
import type { Store } from '../../storage/store.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { append, BackupLife, makeTopic, offsetsOf, upTo } from './backup-life.ts'

t.setTimeout(300_000)
t.comment(`SEED=${seedOfRun}`)

/** Crash runs; each call of a backup is met by several of them. */
const runs = Number(process.env.RUNS ?? 140)

async function commitOffset(store: Store, offset: number): Promise<void> {
  const row = {
    group: 'g',
    topicId: 'ab'.repeat(16),
    queue: 0,
    offset,
    leaderEpoch: -1,
    metadata: '',
    commitTimeMs: 0
  }
  await store.commit({ changes: [{ op: 'put', row: { family: 'committed-offset', row } }] })
}

async function committed(store: Store): Promise<number | undefined> {
  const [row] = await store.scanState('committed-offset', 'g')
  return row?.offset
}

t.test('a backup opens as a store with all that was acknowledged before it began', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store } = await life.open('/data')
  const [one = 0, two = 0] = await makeTopic(store)
  await append(store, one, 0, 30)
  await append(store, two, 0, 5)
  await commitOffset(store, 17)
  const backup = store.backup('/backups/first')
  // What comes meanwhile may be in it or not.
  const later = append(store, one, 30, 30)
  const report = await backup
  await later
  t.ok(report.linked > 2, 'sealed segments and snapshots are linked')
  t.equal(report.copied, 1, 'the open segment is copied')
  t.same(await life.problems('/backups/first'), [])

  const restored = await life.open('/backups/first')
  const offsets = await offsetsOf(restored.store, one)
  t.ok(offsets.length >= 30 && offsets.length <= 60)
  t.same(offsets, upTo(offsets.length))
  t.same(await offsetsOf(restored.store, two), upTo(5))
  t.equal(await committed(restored.store), 17)
  t.equal(restored.store.info.clusterId, store.info.clusterId)
  await append(restored.store, two, 5, 20)
  await restored.store.close()
  t.same(await life.problems('/backups/first'), [])

  t.same(await offsetsOf(store, one), upTo(60), 'the store that it was made of went on')
  t.same(await offsetsOf(store, two), upTo(5), 'and has nothing of what its backup took')
  await store.close()
  t.same(await life.problems('/data'), [])
  t.equal(life.disk.openFiles.size, 0)
})

t.test('where files cannot have a second name, they are copied', async (t) => {
  for (const code of ['EXDEV', 'EPERM', 'EMLINK']) {
    const life = new BackupLife(seedOfRun)
    const { store } = await life.open('/data')
    const [one = 0] = await makeTopic(store)
    await append(store, one, 0, 30)
    for (let i = 0; i < 20; i++) life.disk.failNext('link', code)
    const report = await store.backup('/backups/b')
    t.equal(report.linked, 0)
    t.ok(report.copied > 4)
    await store.close()
    life.disk = life.disk.powerCut()
    t.same(await life.problems('/backups/b'), [])
    const restored = await life.open('/backups/b')
    t.same(await offsetsOf(restored.store, one), upTo(30))
    await restored.store.close()
  }
})

t.test('a large open segment is sealed, and linked too', async (t) => {
  const life = new BackupLife(seedOfRun)
  life.settings = { ...life.settings, segmentBytes: 8 * 1024 * 1024 }
  const { store } = await life.open('/data')
  const [one = 0] = await makeTopic(store)
  await append(store, one, 0, 400)
  t.equal(store.stats().segments, 1)
  const report = await store.backup('/backups/b')
  t.equal(store.stats().segments, 2)
  t.equal(report.segments, 2)
  await store.close()
  const restored = await life.open('/backups/b')
  t.same(await offsetsOf(restored.store, one), upTo(400))
  await restored.store.close()
})

/** A disk that does something when a segment of a backup has its name. */
class HookedDisk extends FaultyDisk {
  afterLink: () => Promise<void> = async () => {}

  override async link(from: string, to: string): Promise<void> {
    await super.link(from, to)
    if (from.includes('/log/')) await this.afterLink()
  }
}

t.test('segments that are deleted while a backup is made are in it, and go after it', async (t) => {
  const life = new BackupLife(seedOfRun, (random) => new HookedDisk({ random }))
  const disk = life.disk as HookedDisk
  const { store } = await life.open('/data')
  const [one = 0] = await makeTopic(store)
  await append(store, one, 0, 60)
  let files = 0
  disk.afterLink = async () => {
    disk.afterLink = async () => {}
    await store.commit({ changes: [{ op: 'move-log-start', queue: one, offset: 50 }] })
    files = (await disk.list('/data/log')).length
    await store.enforceRetention()
    t.ok(store.stats().segmentsDeleted > 1, 'segments left the live set')
    t.equal((await disk.list('/data/log')).length, files, 'their files are there')
  }
  await store.backup('/backups/b')
  t.ok((await disk.list('/data/log')).length < files, 'now they are gone')
  await store.close()
  t.same(await life.problems('/backups/b'), [])
  t.same(await life.problems('/data'), [])
  const restored = await life.open('/backups/b')
  t.same(await offsetsOf(restored.store, one), upTo(60))
  await restored.store.close()
})

t.test('a backup is refused where it would write over something', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store } = await life.open('/data')
  await makeTopic(store)
  const refusals = [
    ['/data', 'folder-taken'],
    ['/data/log/b', 'folder-taken'],
    ['/backups/../data/b', 'folder-taken'],
    ['/nowhere/b', 'no-parent']
  ] as const
  for (const [folder, code] of refusals) await t.rejects(store.backup(folder), { code })
  await store.backup('/backups/b')
  const names = await life.disk.list('/backups/b')
  await t.rejects(
    store.backup('/backups/b'),
    new BackupError('folder-taken', '/backups/b is not empty: nothing is written over')
  )
  t.same(await life.disk.list('/backups/b'), names)
  life.disk.addFolder('/backups/empty')
  const made = store.backup('/backups/empty')
  await t.rejects(store.backup('/backups/c'), { code: 'busy' })
  await made
  t.same(await life.problems('/backups/empty'), [])
  await store.close()
})

t.test('a disk that fails leaves the store going, and a folder that no start takes', async (t) => {
  for (const call of ['link', 'writev', 'sync', 'syncFolder'] as const) {
    const life = new BackupLife(seedOfRun)
    const { store } = await life.open('/data')
    const [one = 0] = await makeTopic(store)
    await append(store, one, 0, 30)
    life.disk.failNext(call, 'EIO', /^\/backups\/b\/log/)
    await t.rejects(store.backup('/backups/b'), { code: 'unfinished' })
    await t.rejects(life.open('/backups/b'), { code: 'not-a-store', message: /not finished/ })
    await t.rejects(life.problems('/backups/b'), { code: 'not-a-store' })
    await append(store, one, 30, 5)
    await store.backup('/backups/c')
    await store.close()
    t.same(await life.problems('/backups/c'), [])
    t.same(await life.problems('/data'), [])
  }
})

t.test('a store that is closed gives its backup up', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { store } = await life.open('/data')
  const [one = 0] = await makeTopic(store)
  await append(store, one, 0, 30)
  const backup = t.rejects(store.backup('/backups/b'), { code: 'unfinished' })
  await store.close()
  await backup
  t.equal(life.disk.openFiles.size, 0)
  t.same(await life.problems('/data'), [])
  await t.rejects(life.open('/backups/b'), OpenError)
})

interface Outcome {
  readonly refused: boolean
  readonly complete: boolean
}

/** One store, whose backup is cut off after `calls` calls of the disk. */
async function cutOff(seed: number, calls: number): Promise<Outcome> {
  const life = new BackupLife(seed)
  const { store, index } = await life.open('/data')
  const [one = 0, two = 0] = await makeTopic(store)
  const before = await append(store, one, 0, 18)
  await commitOffset(store, 17)
  life.disk.stopAfter(calls)
  if (life.random.chance(0.3)) for (let i = 0; i < 20; i++) life.disk.failNext('link', 'EXDEV')
  const acknowledged = { count: 0 }
  const writing = (async () => {
    for (let i = 0; i < 8; i++) acknowledged.count = await append(store, two, i, 1)
  })().catch(() => {})
  const isMade = await store.backup('/backups/b').then(
    () => true,
    () => false
  )
  life.disk.stop()
  await writing
  life.disk = life.random.chance(0.5) ? life.disk.powerCut() : life.disk.processKill()
  await index.lay(life.random.pick(['kept', 'lost'] as const))

  const source = await life.open('/data', index)
  expect(await offsetsOf(source.store, one), before, 'the source')
  const [ends] = await source.store.endsOf([two])
  expect(await offsetsOf(source.store, two), ends?.highWatermark ?? -1, 'the source')
  if ((ends?.highWatermark ?? 0) < acknowledged.count) throw new Error('the source lost records')
  await source.store.close()
  const problems = await life.problems('/data')
  if (problems.length > 0) throw new Error(problems.join('\n'))

  const names = await life.disk.list('/backups/b').catch(() => [] as string[])
  if (names.length === 0 && !isMade) return { refused: false, complete: false }
  const opened = await life.open('/backups/b').catch((error: Error) => error)
  if (opened instanceof Error) {
    if (isMade || !(opened instanceof OpenError) || !/not finished/.test(opened.message))
      throw opened
    return { refused: true, complete: false }
  }
  expect(await offsetsOf(opened.store, one), before, 'the backup')
  if ((await committed(opened.store)) !== 17) throw new Error('the backup lost an offset')
  await opened.store.close()
  const faults = await life.problems('/backups/b')
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return { refused: false, complete: true }
}

function expect(offsets: readonly number[], count: number, whose: string): void {
  if (JSON.stringify(offsets) !== JSON.stringify(upTo(count)))
    throw new Error(`${whose} has ${offsets} of ${count}`)
}

t.test('cut off at any call, it is whole or refused, and the store sound', async (t) => {
  /** More calls than a backup makes with what is written meanwhile. */
  const callsMax = 120
  let refused = 0
  let complete = 0
  for (let i = 0; i < runs; i++) {
    const seed = seedOfRun + i
    const calls = Math.floor((i * callsMax) / runs)
    const outcome = await cutOff(seed, calls).catch((error: Error) => {
      throw new Error(`SEED=${seed} after ${calls} calls: ${error.stack}`)
    })
    if (outcome.refused) refused++
    if (outcome.complete) complete++
  }
  t.comment(`${refused} refused, ${complete} complete of ${runs}`)
  t.ok(refused > runs / 10 && complete > runs / 20, 'there were both')
})
