// Seeded runs over a disk that forgets what was not synced. `SEED=n RUNS=1` repeats one of them.
import t from 'tap'
import type { Commit, Engine } from '../../../storage/index.ts'
import { seedOfRun } from '../../support/seeded-random.ts'
import { type RunReport, TransactionsPowerCutRun } from './transactions-power-cut-run.ts'

const runs = Number(process.env.RUNS ?? 15)
/** Seeds that may pass before a planted fault must have been found. */
const findingRunsMax = 100
t.setTimeout(300_000)

t.test('one outcome wins, whatever is cut: once there, or never', async (t) => {
  const total = { committed: 0, rolledBack: 0, putAside: 0, stops: 0 }
  for (let seed = seedOfRun; seed < seedOfRun + runs; seed++) {
    try {
      const report = await new TransactionsPowerCutRun(seed).run()
      for (const key of Object.keys(total) as (keyof RunReport)[]) total[key] += report[key]
    } catch (error) {
      throw new Error(`SEED=${seed} RUNS=1: ${(error as Error).message}`, { cause: error })
    }
  }
  t.comment(JSON.stringify(total))
  if (runs < 15) return
  const { committed, rolledBack, putAside, stops } = total
  t.ok(committed > 10 * runs && rolledBack > 5 * runs && putAside > runs && stops > runs)
})

/** How many runs it took to find what is wrong. */
async function runsUntil(pattern: RegExp, plant: (commit: Commit) => Commit): Promise<number> {
  const engineOf = (engine: Engine): Engine =>
    new Proxy(engine, {
      get(target, name) {
        if (name === 'commit') return (commit: Commit) => target.commit(plant(commit))
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
  for (let count = 1; count <= findingRunsMax; count++) {
    const run = new TransactionsPowerCutRun(seedOfRun + count, { engineOf })
    const found = await run.run().then(
      () => '',
      (error) => `${error}`
    )
    if (pattern.test(found)) return count
  }
  return 0
}

t.test('ending without looking whether it was ended is found out', async (t) => {
  const count = await runsUntil(/ended twice|is there \d times|back and is there/, (commit) => ({
    ...commit,
    conditions: []
  }))
  t.ok(count, `found in run ${count}`)
})

t.test('a message that is not in the commit that ends its half message is found out', async (t) => {
  const isOutcome = (commit: Commit) =>
    commit.conditions?.length === 1 && commit.appends?.length === 1
  const count = await runsUntil(/committed and is not there/, (commit) =>
    isOutcome(commit) ? { ...commit, appends: [] } : commit
  )
  t.ok(count, `found in run ${count}`)
})
