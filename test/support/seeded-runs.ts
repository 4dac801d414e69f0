/** Many runs of something that a seed decides about, and engines with a fault planted in their commits. */
import type { Engine } from '../../storage/contract.ts'
import { seedOfRun } from './seeded-random.ts'

/** Runs one seed after the other and adds up what they report; the first that fails names its own. */
export async function manyRuns<Report extends object>(
  run: (seed: number) => Promise<Report>,
  count: number
): Promise<Report> {
  const total: Record<string, number> = {}
  for (let seed = seedOfRun; seed < seedOfRun + count; seed++) {
    try {
      for (const [name, value] of Object.entries(await run(seed))) {
        total[name] = (total[name] ?? 0) + value
      }
    } catch (error) {
      throw new Error(`SEED=${seed} RUNS=1: ${(error as Error).message}`, { cause: error })
    }
  }
  return total as Report
}

/** Runs until one fails in the way that `pattern` says; how many it took, undefined if all were in vain. */
export async function runsUntil(
  pattern: RegExp,
  run: (seed: number) => Promise<unknown>,
  countMax: number
): Promise<number | undefined> {
  for (let count = 1; count <= countMax; count++) {
    const found = await run(seedOfRun + count).then(
      () => '',
      (error) => `${error}`
    )
    if (pattern.test(found)) return count
  }
  return undefined
}

/** The engine, but for its commits. */
export function withCommit(engine: Engine, commit: Engine['commit']): Engine {
  return new Proxy(engine, {
    get(target, name) {
      if (name === 'commit') return commit
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}
