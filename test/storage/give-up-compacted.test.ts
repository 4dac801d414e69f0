// Damage in segments that compaction and the cleaner have written: what `reindex --skip-damaged` gives up of them is
// named, what is left is as it was, and what had been compacted away does not come back, then or by later passes.
import t, { type Test } from 'tap'
import type { QueueUid } from '../../storage/contract.ts'
import { segmentFileName } from '../../storage/layout/segment.ts'
import type { LostRecords } from '../../storage/repair/give-up-damage.ts'
import type { Store } from '../../storage/store.ts'
import { isCopy, listSegments } from '../../storage/store-folder.ts'
import { SyncGate } from '../support/gated-file-system.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { BackupLife } from './backup-life.ts'
import { bytesOf, flip, flipSomewhere, refuseMore, reindex } from './damage.ts'
import { compactedQueue, found, padded, put, seal } from './engine/compacted.ts'
import { World } from './engine/world.ts'

t.setTimeout(300_000)
t.comment(`SEED=${seedOfRun}`)

const runs = Number(process.env.RUNS ?? 24)
const keyCount = 12
const rounds = 8

interface Compacted {
  readonly table: QueueUid
  /** Of a topic that is not compacted; half of it is deleted, so that the cleaner writes it anew. */
  readonly plain: QueueUid
  /** What readers find in both. */
  readonly there: readonly string[]
}

function worldOf(t: Test, life: BackupLife, store: Store): World {
  return new World(t, {
    engine: store,
    clock: life.clock,
    gate: new SyncGate(),
    flushMode: 'sync',
    reopen: async () => {},
    crash: async () => {}
  })
}

const contents = async (world: World, queues: readonly QueueUid[]): Promise<string[]> => {
  const all: string[] = []
  for (const [i, queue] of queues.entries()) {
    const { logStartOffset } = await world.engine.ends(queue)
    for (const text of await found(world, queue, logStartOffset)) all.push(`${i} ${text}`)
  }
  return all
}

/** Values that change, tombstones, and records beside them in the same segments; compacted, and closed. */
async function closedStore(t: Test, life: BackupLife): Promise<Compacted> {
  const { store } = await life.open('/data')
  const world = worldOf(t, life, store)
  const table = await compactedQueue(world)
  const plain = await world.queue('plain')
  for (let round = 0; round < rounds; round++)
    for (let key = 0; key < keyCount; key++) {
      // Some keys end early, so that newest records stand everywhere.
      if (life.random.chance(0.4)) continue
      const isDeleted = life.random.chance(0.1)
      await put(world, table, [[`k${key}`, isDeleted ? null : padded(`v${round}`)]])
      if (key % 3 === 0) await put(world, plain, [[`p${key}`, padded(`w${round}`)]])
    }
  await seal(world, plain)
  const ends = await store.ends(plain)
  const offset = Math.floor(ends.highWatermark / 2)
  await store.commit({ changes: [{ op: 'move-log-start', queue: plain, offset }] })
  await store.enforceRetention()
  t.ok(store.stats().compactedRecords > 0, 'there was something to compact')
  const there = await contents(world, [table, plain])
  await store.close()
  return { table, plain, there }
}

/** Segments that were copied. */
async function copies(life: BackupLife): Promise<string[]> {
  const files = (await listSegments(life.disk, '/data/log')).filter(isCopy)
  return files.map(({ id }) => `/data/log/${segmentFileName(id)}`)
}

/** One of them that has whole records. */
async function copyWithRecords(life: BackupLife): Promise<string> {
  for (const path of await copies(life))
    if ((await bytesOf(life, path)).includes(padded(''))) return path
  throw new Error('no copy has records')
}

/** Whether the record, as `contents` tells it, was named. */
function isNamed(lost: readonly LostRecords[], text: string): boolean {
  const [queue = '', offset = ''] = text.split(' ')
  const topic = queue === '0' ? 'table' : 'plain'
  return lost.some(
    (one) => one.topic === topic && one.firstOffset <= +offset && +offset <= one.lastOffset
  )
}

/** Returns how many records are missing, all of them by name. */
async function judge(
  t: Test,
  life: BackupLife,
  { table, plain, there }: Compacted,
  lost: readonly LostRecords[]
): Promise<number> {
  const before = await life.problems('/data')
  if (before.length > 0) throw new Error(before.join('\n'))
  const { store } = await life.open('/data')
  const world = worldOf(t, life, store)
  const left = await contents(world, [table, plain])
  const known = new Set(there)
  const back = left.filter((text) => !known.has(text))
  if (back.length > 0) throw new Error(`these were not there: ${back}`)
  const leftOver = new Set(left)
  const missing = there.filter((text) => !leftOver.has(text))
  const unnamed = missing.filter((text) => !isNamed(lost, text))
  if (unnamed.length > 0) throw new Error(`${unnamed} are missing without a word`)
  // Later passes go on over what stands for the lost ones.
  for (let key = 0; key < keyCount; key++) await put(world, table, [[`k${key}`, padded('last')]])
  await seal(world, plain)
  await store.enforceRetention()
  const newest = (await found(world, table)).slice(-keyCount)
  const keys = Array.from({ length: keyCount }, (_, key) => `k${key}=last`)
  if (newest.map((text) => text.split(' ')[1]).join() !== keys.join())
    throw new Error(`${newest} are the newest`)
  await store.close()
  const after = await life.problems('/data')
  if (after.length > 0) throw new Error(after.join('\n'))
  return missing.length
}

t.test(
  'records of one batch of a copy are given up, and what was compacted stays away',
  async (t) => {
    const life = new BackupLife(seedOfRun)
    const store = await closedStore(t, life)
    const path = await copyWithRecords(life)
    await flip(life, path, (await bytesOf(life, path)).indexOf('xxxxxxxx') + 1000)
    t.match((await life.problems('/data')).join(), /do not match/)
    const report = await reindex(life, true)
    t.equal(report.givenUp?.lost.length, 1)
    t.equal(await judge(t, life, store, report.givenUp?.lost ?? []), 1)
  }
)

t.test('a damaged header of a copied group, and of a copied segment', async (t) => {
  for (const mark of ['ISGR', 'header'] as const) {
    const life = new BackupLife(seedOfRun)
    const store = await closedStore(t, life)
    const path = await copyWithRecords(life)
    const bytes = await bytesOf(life, path)
    await flip(life, path, mark === 'header' ? 40 : bytes.lastIndexOf(mark) + 20)
    const report = await reindex(life, true)
    const missing = await judge(t, life, store, report.givenUp?.lost ?? [])
    if (mark === 'header') t.equal(missing, 0, 'a header costs nothing')
    else t.ok(missing > 0, `${missing} records were in the group`)
    const again = await reindex(life, true)
    t.same(again.givenUp, { segments: [], missing: [], lost: [] }, 'nothing is left to be given up')
  }
})

t.test('wherever bits flip in copies, what is not named as given up is there', async (t) => {
  let lost = 0
  for (let i = 0; i < runs; i++) {
    const seed = seedOfRun + i
    const life = new BackupLife(seed)
    const store = await closedStore(t, life)
    const paths = await copies(life)
    const flips = [await flipSomewhere(life, paths), await flipSomewhere(life, paths)]
    try {
      const report = await reindex(life, true)
      lost += await judge(t, life, store, report.givenUp?.lost ?? [])
      refuseMore(await reindex(life, true))
    } catch (error) {
      throw new Error(`SEED=${seed}: ${flips.join(', ')}: ${(error as Error).stack}`)
    }
  }
  t.ok(lost > runs / 4, `${lost} records were lost`)
})
