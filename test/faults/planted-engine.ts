/** Engines that do less, or say more, than the contract has it. */
import type { Change, Commit, CommitResult, Engine } from '../../storage/contract.ts'
import { withCommit } from '../support/seeded-runs.ts'

const keptOnceIn = 5

type Plant = (engine: Engine) => Engine

const changedCommit =
  (change: (commit: Commit) => Commit): Plant =>
  (engine) =>
    withCommit(engine, (commit) => engine.commit(change(commit)))

const without =
  (isLeftOut: (change: Change) => boolean): Plant =>
  (engine) =>
    changedCommit((commit) => ({
      ...commit,
      changes: (commit.changes ?? []).filter((change) => !isLeftOut(change))
    }))(engine)

/** The engine, but for one of its calls. */
function withCall<Name extends keyof Engine>(
  engine: Engine,
  name: Name,
  call: Engine[Name]
): Engine {
  return new Proxy(engine, {
    get(target, asked) {
      if (asked === name) return call
      const value = Reflect.get(target, asked, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

function isPutOf(change: Change, family: string): boolean {
  return change.op === 'put' && typeof change.row !== 'function' && change.row.family === family
}

export const plantedEngines = {
  forgetsProducers: changedCommit((commit) => ({
    ...commit,
    appends: (commit.appends ?? []).map((append) =>
      'records' in append
        ? append
        : { ...append, batches: append.batches.map((batch) => ({ ...batch, producerId: -1 })) }
    )
  })),
  acknowledgesEarly: ((engine) =>
    withCommit(engine, async (commit) => {
      const done = engine.commit(commit)
      if ((commit.changes ?? []).some(({ op }) => op !== 'put')) return await done
      done.catch(() => {})
      const hasted = { topics: [], producerIds: [], appendTimeMs: 0 }
      return { ...hasted, appends: (commit.appends ?? []).map(() => undefined as never) }
    })) satisfies Plant,
  ignoresConditions: changedCommit((commit) => ({ ...commit, conditions: [] })),
  commitsByHalf: changedCommit((commit) =>
    commit.appends?.length === 2 ? { ...commit, appends: commit.appends.slice(0, 1) } : commit
  ),
  leavesStateOut: changedCommit((commit) =>
    commit.appends?.length === 1 ? { ...commit, changes: [] } : commit
  ),
  forgetsCommits: without((change) => isPutOf(change, 'committed-offset')),
  keepsLogStart: without(({ op }) => op === 'move-log-start'),
  /** Now and then: a timer whose row always stays never ends to fire. */
  keepsTimers: ((engine) => {
    let deletes = 0
    return without(({ op }) => op === 'delete' && deletes++ % keptOnceIn === 0)(engine)
  }) satisfies Plant,
  stampsNothing: changedCommit((commit) => ({
    ...commit,
    appends: (commit.appends ?? []).map((append) =>
      'records' in append ? append : { ...append, stampAppendTime: false }
    )
  })),
  keepsEpochs: ((engine) =>
    withCall(engine, 'ends', async (queue) => ({
      ...(await engine.ends(queue)),
      leaderEpoch: 0
    }))) satisfies Plant,
  /** An end that counts what is only on its way. */
  tellsEndsAhead: ((engine) => {
    let [under, last] = [0, 0]
    const counted = withCommit(engine, async (commit): Promise<CommitResult> => {
      const records = (commit.appends ?? []).length
      under += records
      try {
        return await engine.commit(commit)
      } finally {
        under -= records
        last++
      }
    })
    return withCall(counted, 'ends', async (queue) => {
      const ends = await engine.ends(queue)
      return last < 0 ? ends : { ...ends, highWatermark: ends.highWatermark + under }
    })
  }) satisfies Plant,
  firesEarly: ((engine) =>
    withCall(engine, 'dueTimers', (query) =>
      engine.dueTimers({ ...query, throughMs: query.throughMs + 300 })
    )) satisfies Plant
}
