// Seeded runs over a disk that forgets what was not synced. `SEED=n RUNS=1` repeats one of them.
import t from 'tap'
import type { Commit, Engine } from '../../../../storage/index.ts'
import { manyRuns, runsUntil, withCommit } from '../../../support/seeded-runs.ts'
import { type RunOptions, TimersPowerCutRun } from './power-cut-run.ts'

const runs = Number(process.env.RUNS ?? 25)
/** Seeds that may pass before a planted fault must have been found. */
const findingRunsMax = 100
t.setTimeout(300_000)

const runOf = (options: RunOptions) => (seed: number) => new TimersPowerCutRun(seed, options).run()

t.test(
  'sync: each timer fires once or was recalled, none too early, whatever is cut',
  async (t) => {
    const total = await manyRuns(runOf({ flushMode: 'sync' }), runs)
    t.comment(JSON.stringify(total))
    if (runs > 20) t.ok(total.delivered > 20 * runs && total.recalled > runs && total.stops > runs)
  }
)

t.test('async: none fires twice, none too early, none that was not sent', async (t) => {
  const total = await manyRuns(runOf({ flushMode: 'async' }), runs)
  t.comment(JSON.stringify(total))
  if (runs > 20) t.ok(total.stops > runs, 'and was cut often')
})

/** How many runs it took to find what is wrong with commits that were changed so. */
function runsUntilFound(pattern: RegExp, plant: (commit: Commit) => Commit) {
  const engineOf = (engine: Engine): Engine =>
    withCommit(engine, (commit) => engine.commit(plant(commit)))
  return runsUntil(pattern, runOf({ flushMode: 'sync', engineOf }), findingRunsMax)
}

t.test('settling without looking whether the timer is pending is found out', async (t) => {
  const count = await runsUntilFound(/was recalled and came|came \d times/, (commit) => ({
    ...commit,
    conditions: []
  }))
  t.ok(count, `found in run ${count}`)
})

t.test('a copy that is not in the commit that settles is found out', async (t) => {
  const isFiring = (commit: Commit) =>
    commit.conditions?.length === 1 && commit.appends?.length === 1
  const count = await runsUntilFound(/never came/, (commit) =>
    isFiring(commit) ? { ...commit, appends: [] } : commit
  )
  t.ok(count, `found in run ${count}`)
})
