// LevelDB that ends the process which opens or reads it is made anew, and only then.
import { cp, readdir, rm, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { deathsMax, IndexLives, indexLivesName, soonMs } from '../../storage/index-lives.ts'
import { reindexStore } from '../../storage/reindex.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import type { IndexCopies } from '../support/index-copies.ts'
import { SeededRandom, seedOfRun } from '../support/seeded-random.ts'
import { append, BackupLife, makeTopic, offsetsOf, upTo } from './backup-life.ts'
import { appendsPerLife, everything, live, opened, opensIt, optionsOf } from './damaged-index.ts'
import { poisonTable } from './poisoned-table.ts'

t.comment(`SEED=${seedOfRun}`)
t.setTimeout(240_000)

/** A store that lived so many times, and what must be found in it. */
async function lived(t: Test, lives: number): Promise<{ folder: string; wanted: string }> {
  const folder = `${temporaryFolder(t)}/data`
  for (let life = 0; life < lives; life++) {
    const store = await opened(folder)
    await live(t, store, life, appendsPerLife)
    await store.close()
  }
  const wanted = `${folder}-wanted`
  const copy = `${folder}-copy`
  await cp(folder, copy, { recursive: true })
  const store = await opened(copy)
  await writeFile(wanted, await everything(t, store))
  await store.close()
  await rm(copy, { recursive: true })
  return { folder, wanted }
}

async function poison(folder: string, which: 'first' | 'last'): Promise<void> {
  const names = (await readdir(`${folder}/index`)).filter((name) => name.endsWith('.ldb'))
  for (const name of names) await poisonTable(`${folder}/index/${name}`, which)
}

/** Starts until one lives; how many did not. */
async function starts(t: Test, folder: string, wanted: string): Promise<number> {
  for (let ended = 0; ; ended++) {
    const { told, signal, said } = await opensIt(folder, wanted)
    if (signal === null) {
      t.match(told, { tally: { rebuilt: 1 } }, 'made anew once, with nothing lost')
      return ended
    }
    t.equal(signal, 'SIGABRT')
    t.match(said, /leveldb.*Assertion/)
    if (ended > 2 * deathsMax) throw new Error('it does not heal')
  }
}

t.test('LevelDB that ends those who read its rows is made anew after two starts', async (t) => {
  const { folder, wanted } = await lived(t, 4)
  await poison(folder, 'last')
  t.equal(await starts(t, folder, wanted), deathsMax)
})

t.test(
  'so is one that ends the process by the compaction that is due at its opening',
  async (t) => {
    // Every life leaves a table; with four there is a compaction.
    const { folder, wanted } = await lived(t, 4)
    await poison(folder, 'first')
    // Whether it comes before the rows are read is for LevelDB's thread to say.
    t.ok((await starts(t, folder, wanted)) >= deathsMax)
  }
)

t.test(
  'one that ends those who find records by it is found out by reading all of it',
  async (t) => {
    const { folder, wanted } = await lived(t, 5)
    await poison(folder, 'first')
    t.equal(await starts(t, folder, wanted), 2 * deathsMax, 'two soon after, two that read all')
  }
)

t.test('a rebuild that was asked for does not open what is there', async (t) => {
  const { folder, wanted } = await lived(t, 4)
  await poison(folder, 'last')
  const report = await reindexStore(optionsOf(folder))
  t.equal(report.rebuilt, 'a rebuild was asked for')
  const { told } = await opensIt(folder, wanted)
  t.match(told, { tally: { rebuilt: 0, late: 0 } })
})

/** A store of ten records on a faulty disk. */
async function tenRecords(life: BackupLife): Promise<{ queue: number; index: IndexCopies }> {
  const { store, index } = await life.open('/data')
  const [queue = 0] = await makeTopic(store, 1)
  await append(store, queue, 0, 10)
  await store.close()
  return { queue, index }
}

async function leave(disk: FaultyDisk, text: string): Promise<void> {
  const file = await disk.open(`/data/${indexLivesName}`, 'create')
  await file.writev([Buffer.from(text)], 0)
  await file.close()
}

t.test('what the starts before left says what is done', async (t) => {
  const distrusted = 'the last 2 starts ended while LevelDB was opened'
  for (const [left, rebuilt] of [
    ['{"opening":1,"soon":0}', undefined],
    ['{"opening":2,"soon":0}', distrusted],
    ['{"opening":0,"soon":7}', undefined],
    ['{"opening":2,"soon":7}', distrusted],
    ['', undefined],
    ['\0\0\0\0', undefined],
    ['"?"', undefined]
  ] as const) {
    const life = new BackupLife(seedOfRun)
    const { queue, index } = await tenRecords(life)
    await leave(life.disk, left)
    const { store } = await life.open('/data', index)
    t.equal(store.recovery.rebuilt, rebuilt, JSON.stringify(left))
    t.same(await offsetsOf(store, queue), upTo(10))
    await store.close()
    t.notOk((await life.disk.list('/data')).includes(indexLivesName), 'a close forgets it')
  }
})

t.test('starts that are killed soon make nothing anew', async (t) => {
  const life = new BackupLife(seedOfRun)
  const { queue, index } = await tenRecords(life)
  for (let kills = 0; kills < 6; kills++) {
    const { store } = await life.open('/data', index)
    t.equal(store.recovery.rebuilt, undefined)
    await index.copy()
    life.disk.stop()
    await store.close().catch(() => undefined)
    life.disk = life.disk.processKill()
  }
  const { store } = await life.open('/data', index)
  t.same(await offsetsOf(store, queue), upTo(10))
  await life.clock.advance(soonMs)
  t.notOk((await life.disk.list('/data')).includes(indexLivesName), 'a minute later all is well')
  await store.close()
})

t.test('an open that makes it anew may be cut off anywhere', async (t) => {
  let cut = 0
  for (let calls = 0; calls < 60; calls++) {
    const life = new BackupLife(seedOfRun + calls)
    const { queue, index } = await tenRecords(life)
    await leave(life.disk, '{"opening":2,"soon":0}')
    life.disk.stopAfter(calls)
    await life.open('/data', index).catch(() => undefined)
    if (life.disk.stopped) cut++
    await index.copy()
    life.disk = life.random.chance(0.5) ? life.disk.powerCut() : life.disk.processKill()
    const again = await life.open('/data', index)
    t.same(await offsetsOf(again.store, queue), upTo(10), `cut off after ${calls} calls`)
    await again.store.close()
    t.same(await life.problems('/data'), [])
  }
  t.ok(cut > 20, `${cut} were cut off`)
})

t.test('a disk without room for it is opened all the same', async (t) => {
  // Not one page: of a write that is only made to fail some, or all, may have gone in.
  const disk = new FaultyDisk({ random: new SeededRandom(seedOfRun), capacityBytes: 0 })
  disk.addFolder('/data')
  const lives = await IndexLives.of(disk, new FakeClock(), '/data')
  await lives.begin()
  const next = await IndexLives.of(disk, new FakeClock(), '/data')
  t.same(next.before, { opening: 0, soon: 0 })
  await lives.end()
})

t.test('another process may have the store open', async (t) => {
  const disk = new FaultyDisk({ random: new SeededRandom(seedOfRun) })
  disk.addFolder('/data')
  const clock = new FakeClock()
  const has = await IndexLives.of(disk, clock, '/data')
  const comes = await IndexLives.of(disk, clock, '/data')
  await has.begin()
  await comes.begin()
  await comes.end()
  await has.opened()
  await has.end()
  t.same(await disk.list('/data'), [])
})
