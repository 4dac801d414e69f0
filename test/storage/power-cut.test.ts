// Seeded runs over a disk that forgets what was not synced. `SEED=n RUNS=1` repeats one of them.
import t from 'tap'
import { seedOfRun } from '../support/seeded-random.ts'
import { manyRuns } from '../support/seeded-runs.ts'
import { PowerCutRun, type RunOptions } from './power-cut/run.ts'

const runs = Number(process.env.RUNS ?? 80)
// Two cores shared with other tests; a run takes a tenth of a second of its own.
t.setTimeout(300_000)

const runOf = (options: RunOptions) => (seed: number) => new PowerCutRun(seed, options).run()

t.test('sync: nothing acknowledged or seen is ever lost, halved or doubled', async (t) => {
  const total = await manyRuns(runOf({ flushMode: 'sync' }), runs)
  t.comment(JSON.stringify(total))
  t.equal(total.lost, 0)
  if (runs > 50) {
    t.ok(
      total.faults > runs && total.stops > runs && total.checked > 50 * runs,
      'and there was much to lose'
    )
    t.ok(total.segmentsDeleted > runs / 12, 'and segments went')
    t.ok(total.segmentsCleaned > runs / 12, 'and others were cleaned')
    t.ok(total.recordsCompacted > runs, 'and records were compacted away')
  }
})

t.test('async: nothing settled or seen is lost, and epochs tell of the rest', async (t) => {
  const total = await manyRuns(runOf({ flushMode: 'async' }), runs)
  t.comment(JSON.stringify(total))
  if (runs > 50)
    t.ok(total.lost > 0, 'acknowledged alone is not durable: the disk is as bad as it should be')
})

t.test(
  'after a failed fsync a restart of the process alone trusts nothing that it did not write again',
  async (t) => {
    const endings = ['sync-fails-kill', 'power'] as const
    const total = await manyRuns(runOf({ flushMode: 'sync', endings }), runs)
    t.comment(JSON.stringify(total))
  }
)

t.test('a disk whose syncs do nothing is found out', async (t) => {
  const found: string[] = []
  for (let i = 0; i < 20; i++) {
    const run = new PowerCutRun(seedOfRun + i, { flushMode: 'sync', syncLies: 1 })
    await run.run().catch((error) => found.push(`${error}`))
  }
  t.comment(found.slice(0, 5).join('\n'))
  t.ok(found.length >= 10, `${found.length} of 20 runs found it`)
})
