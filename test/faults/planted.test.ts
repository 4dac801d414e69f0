// Bugs that are put under or over a store on purpose: each must be found, within so many seeds, by the runs that find
// nothing in the store itself. `SEED=n` begins elsewhere; `RUNS=n` gives each so many seeds.
import t from 'tap'
import type { FileSystem } from '../../storage/index.ts'
import {
  type RunOptions as TimerOptions,
  TimersPowerCutRun
} from '../gateway/broker/timers/power-cut-run.ts'
import { PowerCutRun, type RunOptions } from '../storage/power-cut/run.ts'
import { seedOfRun } from '../support/seeded-random.ts'
import { runsUntil } from '../support/seeded-runs.ts'
import { withEarlyCleanEnds } from './planted-compaction.ts'
import { planted, plantedView } from './planted-disk.ts'
import { plantedEngines } from './planted-engine.ts'
import { ServerRun, type ServerRunOptions } from './server-run.ts'

t.setTimeout(600_000)
t.comment(`SEED=${seedOfRun}`)

interface Bug {
  readonly name: string
  /** What says that it was found. */
  readonly found: RegExp
  readonly run: (seed: number) => Promise<unknown>
  /** Seeds that may pass before. */
  readonly seedsMax?: number
}

const store = (options: Partial<RunOptions>) => (seed: number) =>
  new PowerCutRun(seed, { flushMode: 'sync', ...options }).run()
const timers = (options: Partial<TimerOptions>) => (seed: number) =>
  new TimersPowerCutRun(seed, { flushMode: 'sync', ...options }).run()
const server = (options: Partial<ServerRunOptions>) => (seed: number) =>
  new ServerRun(seed, { flushMode: 'sync', ...options }).run()

const onDisk = (change: (disk: FileSystem) => FileSystem) => ({ fileSystemOf: change })
const onServerDisk = (change: (disk: FileSystem) => FileSystem) =>
  server({ worldOf: (world) => ({ ...world, fileSystem: change(world.fileSystem) }) })

const seedsMaxDefault = 60
const wrong = /Violation|unrecoverable/
const lost = /Violation: .*(lost|ends at|queue-gone|corrupt|damage|half|back from)/

/** The store itself does not go on with such a view. */
const viewNoticed = /the index (is damaged|has \d+ timers of)/

const bugs: readonly Bug[] = [
  {
    name: 'flush groups are not fsynced',
    found: lost,
    run: store(onDisk(planted.groupsNotSynced))
  },
  {
    name: "new segments and the log's end are not fsynced",
    found: wrong,
    run: store(onDisk(planted.segmentsNotSynced))
  },
  {
    name: 'names are not fsynced',
    found: /Violation|unrecoverable|no segment/,
    run: store(onDisk(planted.namesNotSynced))
  },
  {
    name: 'snapshots are not fsynced',
    found: /Violation|unrecoverable/,
    run: store(onDisk(planted.snapshotsNotSynced))
  },
  {
    name: 'what is written is shown before its fsync is done (async)',
    found: /Violation/,
    run: store({ flushMode: 'async', ...onDisk(planted.syncedTooLate) })
  },
  {
    name: 'an fsync that failed is tried again and believed',
    found: lost,
    run: store({ endings: ['sync-fails'], ...onDisk(planted.failedSyncTriedAgain) })
  },
  {
    name: 'a write that failed half-way passes for done',
    found: wrong,
    run: store({ endings: ['write-fails'], ...onDisk(planted.failedWriteIgnored) })
  },
  {
    name: 'recovery cuts what was durable',
    found: wrong,
    run: store({ endings: ['kill', 'write-fails-kill'], ...onDisk(planted.cutTooFar) })
  },
  {
    name: 'epochs do not rise: the mark of an open store is not looked at (async)',
    found: /Violation: .*epoch/,
    run: store({ flushMode: 'async', endings: ['power'], ...onDisk(planted.markUnseen) })
  },
  {
    name: 'epochs are not told',
    found: /Violation: .*epoch/,
    run: store({ flushMode: 'async', endings: ['power'], engineOf: plantedEngines.keepsEpochs })
  },
  {
    name: "LevelDB's view is marked ahead of what it holds",
    found: viewNoticed,
    run: store({ databaseOf: plantedView.ahead })
  },
  {
    name: "LevelDB's view is applied by half",
    found: viewNoticed,
    run: store({ databaseOf: plantedView.half })
  },
  {
    name: 'a duplicate is not recognised',
    found: /Violation: .*(is at \d+ and \d+|is told to be at)/,
    run: store({ endings: ['kill', 'sync-fails-kill'], engineOf: plantedEngines.forgetsProducers })
  },
  {
    name: 'acknowledged before it is durable',
    found: /promised and is lost|the counter was/,
    run: store({ engineOf: plantedEngines.acknowledgesEarly })
  },
  {
    name: 'a change is made though its condition failed',
    found: /raised to \d+ twice/,
    run: store({ engineOf: plantedEngines.ignoresConditions })
  },
  {
    name: 'one of two appends of a commit is left out',
    found: /by half/,
    run: store({ engineOf: plantedEngines.commitsByHalf })
  },
  {
    name: 'the state of a commit is left out',
    found: /by half/,
    run: store({ engineOf: plantedEngines.leavesStateOut })
  },
  {
    name: 'a committed offset is acknowledged and not kept',
    found: /committed \d+ fell/,
    run: store({ engineOf: plantedEngines.forgetsCommits })
  },
  {
    name: 'a log start is acknowledged and not moved',
    found: /begins at/,
    run: store({ engineOf: plantedEngines.keepsLogStart })
  },
  {
    name: 'LogAppendTime is not stamped',
    found: /was stamped/,
    run: store({ engineOf: plantedEngines.stampsNothing })
  },
  {
    name: 'ends are told ahead of the log',
    found: /high watermark fell|seen was/,
    run: store({ engineOf: plantedEngines.tellsEndsAhead })
  },
  {
    name: 'a compaction keeps its clean end before it has rewritten what is before it',
    found: /compacted: .* stays/,
    run: (seed) => withEarlyCleanEnds(() => store({ endings: ['kill'] })(seed)),
    seedsMax: 200
  },
  {
    name: 'the row of a timer that fired is not deleted',
    found: /came \d+ times|never fire/,
    run: timers({ engineOf: plantedEngines.keepsTimers })
  },
  {
    name: 'a timer fires before its time',
    found: /ms early/,
    run: timers({ engineOf: plantedEngines.firesEarly })
  },
  {
    name: 'server: flush groups are not fsynced',
    found: /records stay|was told|told/,
    run: onServerDisk(planted.groupsNotSynced)
  },
  {
    name: "server: LevelDB's view is applied by half",
    found: viewNoticed,
    run: server({
      worldOf: (world) => ({
        ...world,
        openIndex: (path) => plantedView.half(world.openIndex!(path))
      })
    })
  },
  {
    name: 'server: a read does not look at the checksum',
    found: /nobody sent|damaged/,
    run: server({ rots: 'unseen' })
  }
]

for (const { name, found, run, seedsMax = seedsMaxDefault } of bugs) {
  t.test(`found: ${name}`, async (t) => {
    const startedMs = performance.now()
    const last = { text: '' }
    const noted = (seed: number) =>
      run(seed).catch((error: Error) => {
        last.text = error.message.split('\n')[0] ?? ''
        throw error
      })
    const count = await runsUntil(found, noted, Number(process.env.RUNS ?? seedsMax))
    t.ok(count, `by seed ${count} in ${Math.round(performance.now() - startedMs)} ms: ${last.text}`)
  })
}
