// Seeded runs over a disk that forgets what was not synced. `SEED=n RUNS=1` repeats one of them.
import t from 'tap'
import type { Commit, Engine } from '../../../storage/index.ts'
import { manyRuns, runsUntil, withCommit } from '../../support/seeded-runs.ts'
import { TransactionsPowerCutRun } from './transactions-power-cut-run.ts'

const runs = Number(process.env.RUNS ?? 15)
/** Seeds that may pass before a planted fault must have been found. */
const findingRunsMax = 100
t.setTimeout(300_000)

t.test('one outcome wins, whatever is cut: once there, or never', async (t) => {
  const total = await manyRuns((seed) => new TransactionsPowerCutRun(seed).run(), runs)
  t.comment(JSON.stringify(total))
  if (runs < 15) return
  const { committed, rolledBack, putAside, stops } = total
  t.ok(committed > 10 * runs && rolledBack > 5 * runs && putAside > runs && stops > runs)
})

/** How many runs it took to find what is wrong with commits that were changed so. */
function runsUntilFound(pattern: RegExp, plant: (commit: Commit) => Commit) {
  const engineOf = (engine: Engine): Engine =>
    withCommit(engine, (commit) => engine.commit(plant(commit)))
  const run = (seed: number) => new TransactionsPowerCutRun(seed, { engineOf }).run()
  return runsUntil(pattern, run, findingRunsMax)
}

t.test('ending without looking whether it was ended is found out', async (t) => {
  const count = await runsUntilFound(
    /ended twice|is there \d times|back and is there/,
    (commit) => ({
      ...commit,
      conditions: []
    })
  )
  t.ok(count, `found in run ${count}`)
})

t.test('a message that is not in the commit that ends its half message is found out', async (t) => {
  const isOutcome = (commit: Commit) =>
    commit.conditions?.length === 1 && commit.appends?.length === 1
  const count = await runsUntilFound(/committed and is not there/, (commit) =>
    isOutcome(commit) ? { ...commit, appends: [] } : commit
  )
  t.ok(count, `found in run ${count}`)
})
