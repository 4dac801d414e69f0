// Seeded runs over a disk that forgets what was not synced. `SEED=n RUNS=1` repeats one of them.
import t from 'tap'
import type { Commit, Engine } from '../../storage/contract.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { manyRuns, runsUntil, withCommit } from '../support/seeded-runs.ts'
import { PowerCutRun, type RunOptions } from './power-cut/run.ts'

const runs = Number(process.env.RUNS ?? 120)
/** Seeds that may pass before a planted fault must have been found. */
const findingRunsMax = 300
// Two cores shared with other tests; a run takes a tenth of a second of its own.
t.setTimeout(300_000)

const runOf = (options: RunOptions) => (seed: number) => new PowerCutRun(seed, options).run()

t.test('sync: nothing acknowledged or seen is ever lost, halved or doubled', async (t) => {
  const total = await manyRuns(runOf({ flushMode: 'sync' }), runs)
  t.comment(JSON.stringify(total))
  t.equal(total.lost, 0)
  if (runs > 50) {
    t.ok(total.stops > runs && total.checked > 50 * runs, 'and there was much to lose')
    t.ok(total.segmentsDeleted > runs / 12, 'and segments went')
    t.ok(total.segmentsCleaned > runs / 12, 'and others were cleaned')
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

t.test('a store that forgets who produced is found out', async (t) => {
  const forgetful = (commit: Commit): Commit => ({
    ...commit,
    appends: (commit.appends ?? []).map((append) =>
      'records' in append
        ? append
        : { ...append, batches: append.batches.map((batch) => ({ ...batch, producerId: -1 })) }
    )
  })
  const engineOf = (engine: Engine): Engine =>
    withCommit(engine, (one) => engine.commit(forgetful(one)))
  const twice = /is at \d+ and \d+|was at \d+ and is told to be at \d+/
  const count = await runsUntil(twice, runOf({ flushMode: 'sync', engineOf }), findingRunsMax)
  t.ok(count, `a record was there twice, in run ${count}`)
})

t.test('a store that acknowledges before it is done is found out', async (t) => {
  const engineOf = (engine: Engine): Engine =>
    withCommit(engine, async (commit) => {
      const done = engine.commit(commit)
      const hasted = { appends: [], topics: [], producerIds: [], appendTimeMs: 0 }
      const changes = commit.changes ?? []
      if (changes.some(({ op }) => op !== 'put')) return await done
      done.catch(() => {})
      const promised = (commit.appends ?? []).map(() => undefined as never)
      return { ...hasted, appends: promised }
    })
  const count = await runsUntil(
    /was promised and is lost/,
    runOf({ flushMode: 'sync', engineOf }),
    findingRunsMax
  )
  t.ok(count, `found in run ${count}`)
})
