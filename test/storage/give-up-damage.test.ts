// Damage that cannot be healed: what `reindex --skip-damaged` gives up, and that all else can be had afterwards.
import t from 'tap'
import type { ReindexReport } from '../../storage/reindex.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { BackupLife } from './backup-life.ts'
import { bytesOf, flip, flipSomewhere, refuseMore, reindex } from './damage.ts'
import { closedStore, judge, segment, staysQuiet } from './damaged-life.ts'

t.setTimeout(300_000)
t.comment(`SEED=${seedOfRun}`)

const runs = Number(process.env.RUNS ?? 24)
t.test('records of one batch are given up, and all else is there', async (t) => {
  const life = new BackupLife(seedOfRun)
  const queues = await closedStore(life)
  const path = segment(2)
  await flip(life, path, (await bytesOf(life, path)).indexOf('xxxxxxxx') + 1000)
  t.match((await life.problems('/data')).join(), /do not match/)
  t.equal((await reindex(life, false)).givenUp, undefined)
  t.equal((await life.problems('/data')).length, 1, 'a reindex alone leaves it')
  const report = await reindex(life, true)
  t.equal(report.givenUp?.lost.length, 1)
  t.match(report.givenUp?.lost[0], { topic: 't-abab', segment: 2 })
  t.equal(await judge(life, queues, report, 1), 1)
  const { store } = await life.open('/data')
  const [ends] = await store.endsOf(queues)
  t.equal(ends?.leaderEpoch, 1, 'clients are told')
  await store.close()
  await staysQuiet(t, life)
})

t.test('a damaged group header costs the records of its group', async (t) => {
  const life = new BackupLife(seedOfRun)
  const queues = await closedStore(life)
  const path = segment(3)
  const bytes = await bytesOf(life, path)
  await flip(life, path, bytes.indexOf('ISGR', bytes.indexOf('xxxxxxxx')) + 20)
  const report = await reindex(life, true)
  t.equal(report.damages.length, 1)
  t.equal(await judge(life, queues, report, 1), 1)
  await staysQuiet(t, life)
})

t.test('the last records of a queue may be among them', async (t) => {
  const life = new BackupLife(seedOfRun)
  const queues = await closedStore(life)
  const names = await life.disk.list('/data/log')
  const path = `/data/log/${names.sort().at(-1)}`
  const bytes = await bytesOf(life, path)
  // The last two groups with records: one of each queue.
  for (const at of [bytes.lastIndexOf('xxxxxxxx'), bytes.lastIndexOf('xxxxxxxx') - 5000])
    await flip(life, path, bytes.lastIndexOf('ISGR', at) + 20)
  const report = await reindex(life, true)
  t.equal(await judge(life, queues, report, 2), 2)
  await staysQuiet(t, life)
})

t.test('a damaged segment header is written anew, and costs nothing', async (t) => {
  const life = new BackupLife(seedOfRun)
  const queues = await closedStore(life)
  for (const id of [1, 3]) await flip(life, segment(id), 40)
  await t.rejects(life.open('/data'), { code: 'unrecoverable' })
  const report = await reindex(life, true)
  t.equal(await judge(life, queues, report, 0), 0)
  await staysQuiet(t, life)
})

t.test('a damaged footer costs nothing', async (t) => {
  const life = new BackupLife(seedOfRun)
  const queues = await closedStore(life)
  const bytes = await bytesOf(life, segment(2))
  await flip(life, segment(2), bytes.lastIndexOf('ISFT') + 10)
  t.match((await life.problems('/data')).join(), /no footer/)
  const report = await reindex(life, true)
  t.equal(await judge(life, queues, report, 0), 0)
  await staysQuiet(t, life)
})

t.test('wherever bits flip, what is not named as given up is there', async (t) => {
  let lost = 0
  for (let i = 0; i < runs; i++) {
    const seed = seedOfRun + i
    const life = new BackupLife(seed)
    const queues = await closedStore(life)
    const paths = (await life.disk.list('/data/log')).sort().map((name) => `/data/log/${name}`)
    const flips = [await flipSomewhere(life, paths), await flipSomewhere(life, paths)]
    try {
      const report = await reindex(life, true)
      lost += await judge(life, queues, report, 2 * 2)
      refuseMore(await reindex(life, true))
    } catch (error) {
      throw new Error(`SEED=${seed}: ${flips.join(', ')}: ${(error as Error).stack}`)
    }
  }
  t.ok(lost > runs / 4, `${lost} records were lost`)
})

t.test('cut off at any call, it can be done again', async (t) => {
  let cut = 0
  for (let i = 0; i < runs; i++) {
    const seed = seedOfRun + i
    const life = new BackupLife(seed)
    const queues = await closedStore(life)
    const path = segment(2)
    await flip(life, path, (await bytesOf(life, path)).indexOf('xxxxxxxx') + 1000)
    life.disk.stopAfter(Math.floor((i * 300) / runs))
    const first = await reindex(life, true).catch(() => undefined)
    if (life.disk.stopped) cut++
    life.disk = life.random.chance(0.5) ? life.disk.powerCut() : life.disk.processKill()
    try {
      const again = await reindex(life, true)
      // It may have been done, though nobody was told.
      const report = again.givenUp?.lost.length === 0 ? (first ?? expectedReport(again)) : again
      await judge(life, queues, report, 1)
    } catch (error) {
      throw new Error(`SEED=${seed}: ${(error as Error).stack}`)
    }
  }
  t.ok(cut > runs / 3, `${cut} were cut off`)
})

/** The first record of the second segment is what was damaged. */
function expectedReport(report: ReindexReport): ReindexReport {
  const lost = [{ topic: 't-abab', queue: 0, firstOffset: 7, lastOffset: 7, segment: 2 }]
  return { ...report, givenUp: { segments: [2], missing: [], lost } }
}
