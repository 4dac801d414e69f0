// Seeded runs over a disk that forgets what was not synced. `SEED=n RUNS=1` repeats one of them.
import t from 'tap'
import type { Commit, Engine } from '../../../../storage/index.ts'
import { seedOfRun } from '../../../support/seeded-random.ts'
import { type RunOptions, type RunReport, TimersPowerCutRun } from './power-cut-run.ts'

const runs = Number(process.env.RUNS ?? 25)
/** Seeds that may pass before a planted fault must have been found. */
const findingRunsMax = 100
t.setTimeout(300_000)

async function manyRuns(options: RunOptions, count: number): Promise<RunReport> {
  const total = { delivered: 0, recalled: 0, stops: 0 }
  for (let i = 0; i < count; i++) {
    const seed = seedOfRun + i
    try {
      const report = await new TimersPowerCutRun(seed, options).run()
      for (const key of Object.keys(total) as (keyof RunReport)[]) total[key] += report[key]
    } catch (error) {
      throw new Error(`SEED=${seed} RUNS=1: ${(error as Error).message}`, { cause: error })
    }
  }
  return total
}

t.test(
  'sync: each timer fires once or was recalled, none too early, whatever is cut',
  async (t) => {
    const total = await manyRuns({ flushMode: 'sync' }, runs)
    t.comment(JSON.stringify(total))
    if (runs > 20) t.ok(total.delivered > 20 * runs && total.recalled > runs && total.stops > runs)
  }
)

t.test('async: none fires twice, none too early, none that was not sent', async (t) => {
  const total = await manyRuns({ flushMode: 'async' }, runs)
  t.comment(JSON.stringify(total))
  if (runs > 20) t.ok(total.stops > runs, 'and was cut often')
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
    const run = new TimersPowerCutRun(seedOfRun + count, { flushMode: 'sync', engineOf })
    const found = await run.run().then(
      () => '',
      (error) => `${error}`
    )
    if (pattern.test(found)) return count
  }
  return 0
}

t.test('settling without looking whether the timer is pending is found out', async (t) => {
  const count = await runsUntil(/was recalled and came|came \d times/, (commit) => ({
    ...commit,
    conditions: []
  }))
  t.ok(count, `found in run ${count}`)
})

t.test('a copy that is not in the commit that settles is found out', async (t) => {
  const isFiring = (commit: Commit) =>
    commit.conditions?.length === 1 && commit.appends?.length === 1
  const count = await runsUntil(/never came/, (commit) =>
    isFiring(commit) ? { ...commit, appends: [] } : commit
  )
  t.ok(count, `found in run ${count}`)
})
