/** One seeded run: a store lives, is stopped at any call, wakes on what the disk kept, and lives again. */

import { setImmediate } from 'node:timers/promises'
import { checkStore } from '../../../storage/check.ts'
import type { Engine, QueueUid } from '../../../storage/contract.ts'
import type { Database } from '../../../storage/databases.ts'
import { openStore } from '../../../storage/open-store.ts'
import type { FileSystem } from '../../../storage/ports.ts'
import {
  type FlushMode,
  resolveStoreSettings,
  type StoreSettings
} from '../../../storage/settings.ts'
import type { Store } from '../../../storage/store.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { anyFate, IndexCopies } from '../../support/index-copies.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { keepPolicyOf } from '../engine/world.ts'
import { churn, consume, count, Numbers, Producer, type Stage, write } from './actors.ts'
import { CompactedQueue, compactedConfig } from './compacted-queue.ts'
import { History } from './history.ts'
import { TrimmedQueue } from './trimmed-queue.ts'
import { Violation } from './violation.ts'

export interface RunOptions {
  readonly flushMode: FlushMode
  /** Probability that a sync of the disk does nothing: a store on it cannot keep its word. */
  readonly syncLies?: number
  readonly endings?: readonly Ending[]
  /** Put something between the store and its clients, its disk, or LevelDB, to see that its faults are found. */
  readonly engineOf?: (store: Store) => Engine
  readonly fileSystemOf?: (disk: FaultyDisk) => FileSystem
  readonly databaseOf?: (database: Database) => Database
}

export interface RunReport {
  readonly lives: number
  readonly stops: number
  readonly checked: number
  readonly lost: number
  readonly segmentsDeleted: number
  readonly segmentsCleaned: number
  /** Calls of the disk that were cut off or failed, and pages that were dropped or torn. */
  readonly faults: number
  readonly recordsCompacted: number
}

/**
 * How a life ends, if it is not stopped before: the machine goes, the process goes, a call fails and then one of
 * them goes, or all is well.
 */
export type Ending =
  | 'power'
  | 'kill'
  | 'write-fails'
  | 'write-fails-kill'
  | 'sync-fails'
  | 'sync-fails-kill'
  | 'read-fails'
  | 'disk-full'
  | 'close'

const usualEndings: readonly Ending[] = [
  'power',
  'power',
  'power',
  'kill',
  'write-fails',
  'write-fails-kill',
  'sync-fails',
  'read-fails',
  'disk-full',
  'close'
]

const kib = 1024
const smallSettings: Partial<StoreSettings> = {
  segmentBytes: 64 * kib,
  checkpointBytes: 16 * kib,
  tailBytes: 64 * kib,
  openFilesMax: 2,
  cleanerBytesPerSecondMax: 2 ** 34
}
const diskBytes = 2 ** 30
/** Free at most when the disk gets full. */
const leftBytesMax = 200 * kib

/** Calls in which no life comes to its end of itself: a store that reads on for ever runs into this. */
const callsMax = 100_000
/** Turns of the event loop in which an undisturbed store would have got further, many times over. */
const idleTurnsMax = 2000

export class PowerCutRun {
  readonly #random: SeededRandom
  readonly #options: RunOptions
  readonly #history: History
  readonly #index = new IndexCopies()
  readonly #numbers = new Numbers()
  readonly #producers: Producer[] = []
  #trimmed: TrimmedQueue | undefined
  #compacted: CompactedQueue | undefined
  #segmentsDeleted = 0
  #segmentsCleaned = 0
  #recordsCompacted = 0
  #disk: FaultyDisk
  #clock = new FakeClock()
  #boot = 0
  /** What happened so far, for whoever has to find out why. */
  readonly story: string[] = []
  #stops = 0
  #harm = 0
  readonly #settings: StoreSettings

  constructor(seed: number, options: RunOptions) {
    this.#random = new SeededRandom(seed)
    this.#options = options
    this.#history = new History(options.flushMode)
    this.#settings = resolveStoreSettings({
      ...smallSettings,
      asyncBytesMax: this.#random.pick([8 * kib, 32 * kib, 1024 * kib]),
      reserveBytes: this.#random.pick([0, 0, 32 * kib])
    })
    this.#disk = this.#newDisk(new FaultyDisk({ random: this.#random.fork() }))
    this.#disk.addFolder('/data')
  }

  /** Throws Violation where the store broke its word. */
  async run(): Promise<RunReport> {
    await this.#index.lay('lost')
    const lives = this.#random.between(2, 4)
    for (let life = 0; life < lives; life++) await this.#live()
    const store = await this.#open()
    await this.#verify(this.#engineOf(store))
    await store.close()
    this.#ended(true, this.#clock.monotonicMs())
    await this.#index.lay('kept')
    const again = await this.#open()
    await this.#verify(this.#engineOf(again))
    await this.#compacted?.settles(this.#engineOf(again), this.#clock)
    await again.close()
    if ((this.#options.syncLies ?? 0) === 0) {
      const { problems } = await checkStore(this.#disk, '/data')
      if (problems.length > 0) throw new Violation(`the checker says: ${JSON.stringify(problems)}`)
    }
    const left = [...this.#disk.openFiles].map(({ path }) => path)
    if (left.length > 0) throw new Violation(`files left open: ${left}`)
    const { checked, lost } = this.#history
    return {
      lives,
      stops: this.#stops,
      checked,
      lost,
      segmentsDeleted: this.#segmentsDeleted,
      segmentsCleaned: this.#segmentsCleaned,
      faults: this.#harm,
      recordsCompacted: this.#recordsCompacted
    }
  }

  async #verify(engine: Engine): Promise<void> {
    await this.#history.verify(engine)
    await this.#trimmed?.verify(engine)
    await this.#compacted?.verify(engine)
  }

  async #live(): Promise<void> {
    const random = this.#random
    if (random.chance(0.3)) this.#disk.stopAfter(random.integer(60))
    const store = await this.#open().catch((error) => {
      if (!this.#disk.stopped) throw error
      return undefined
    })
    if (store === undefined) {
      this.#note('stopped within open')
      return await this.#powerCut()
    }
    this.#disk.stopAfter(callsMax)
    const clock = this.#clock
    let failedMs: number | undefined
    const noteEnd = (): void => {
      failedMs ??= clock.monotonicMs()
    }
    this.#disk.onStop = noteEnd
    void store.failure.then(noteEnd)
    const ending = random.pick(this.#options.endings ?? usualEndings)
    this.#note(`a life that ends with ${ending}`)
    if (!this.#disk.stopped) {
      const engine = this.#engineOf(store)
      await this.#verify(engine)
      if (this.#history.queues.length === 0) await this.#makeQueues(engine)
      this.#arrange(ending)
      await this.#act(engine)
    }
    if (ending === 'close' && !this.#disk.stopped) {
      await store.close()
      this.#ended(true, clock.monotonicMs())
      await this.#index.lay('kept')
      return
    }
    this.#disk.faults.readFails = 0
    this.#disk.leaveFree(diskBytes)
    this.#ended(ending === 'kill', failedMs ?? clock.monotonicMs())
    if (ending.endsWith('kill')) return await this.#kill()
    await this.#powerCut()
  }

  /** Flush mode async: one fsync may be under way, and as much be written behind it. */
  #ended(isKill: boolean, atMs: number): void {
    const { asyncDelayMsMax, asyncBytesMax, segmentBytes } = this.#settings
    const lossBytesMax = 2 * asyncBytesMax + segmentBytes / 2
    this.#history.ended({ isKill, atMs, lossAgeMsMax: asyncDelayMsMax, lossBytesMax })
  }

  async #makeQueues(engine: Engine): Promise<void> {
    const id = this.#random.uuid().toString('hex')
    const topic = { id, names: { kafka: 'main', rocketmq: 'main' }, queueCount: 4 }
    const { topics } = await engine.commit({ changes: [{ op: 'create-topic', topic }] })
    await engine.settle()
    this.#history.queues.push(...topics[0]!.queues)
    for (const queue of topics[0]!.queues.slice(0, 2)) this.#producers.push(new Producer(queue))
    this.#trimmed = new TrimmedQueue(await this.#makeQueue(engine, 'trimmed'))
    this.#compacted = new CompactedQueue(
      await this.#makeQueue(engine, 'compacted', compactedConfig)
    )
  }

  async #makeQueue(engine: Engine, name: string, config = {}): Promise<QueueUid> {
    const names = { kafka: name, rocketmq: name }
    const topic = { id: this.#random.uuid().toString('hex'), names, queueCount: 1, config }
    const { topics } = await engine.commit({ changes: [{ op: 'create-topic', topic }] })
    await engine.settle()
    return topics[0]!.queues[0]!
  }

  #arrange(ending: Ending): void {
    const random = this.#random
    const some = random.integer(random.pick([20, 150, 600]))
    if (ending === 'power' || ending === 'kill') this.#disk.stopAfter(some)
    else if (ending.startsWith('write-fails')) {
      this.#disk.failNext('writev', random.pick(['EIO', 'ENOSPC']), /./, Math.floor(some / 3))
    } else if (ending.startsWith('sync-fails')) {
      this.#disk.failNext('datasync', 'EIO', /./, Math.floor(some / 3))
    } else if (ending === 'read-fails') {
      this.#disk.faults.readFails = random.fraction() / 2
    } else if (ending === 'disk-full') {
      this.#disk.leaveFree(random.integer(leftBytesMax))
    }
  }

  async #act(engine: Engine): Promise<void> {
    const steps = this.#random.pick([2, 5, 10, 25])
    const stage = (): Stage => {
      const clock = this.#clock
      return { engine, clock, random: this.#random.fork(), history: this.#history, steps }
    }
    let done = false
    // Now and then the queue that is trimmed has segments to itself.
    const others = this.#random.chance(0.4)
      ? []
      : [
          write(stage(), this.#numbers),
          write(stage(), this.#numbers),
          ...this.#producers.map((producer) => producer.produce(stage())),
          ...this.#history.queues.slice(0, 2).map((queue) => consume(stage(), queue)),
          count(stage()),
          count(stage()),
          churn(stage(), this.#numbers)
        ]
    const own = [this.#trimmed?.work(stage())]
    if (this.#random.chance(0.6)) own.push(this.#compacted?.work(stage()))
    const all = Promise.all([...others, ...own]).finally(() => {
      done = true
    })
    // A failure is looked at where it is awaited, below.
    all.catch(() => {})
    let calls = -1
    for (let idle = 0; !done; idle++) {
      await setImmediate()
      if (this.#random.chance(0.05)) await this.#clock.advance(this.#random.integer(40))
      if (this.#random.chance(0.02)) await this.#index.copy()
      if (this.#disk.calls !== calls && !this.#disk.stopped) idle = 0
      calls = this.#disk.calls
      if (idle > idleTurnsMax)
        throw new Violation(`a call never ended; the disk had stopped: ${this.#disk.stopped}`)
    }
    await all
    const { segmentsDeleted, segmentsCleaned, compactedRecords } = engine.stats()
    this.#segmentsDeleted += segmentsDeleted
    this.#segmentsCleaned += segmentsCleaned
    this.#recordsCompacted += compactedRecords
  }

  async #powerCut(): Promise<void> {
    this.#stops++
    this.#boot++
    this.#history.machineWent()
    const disk = this.#disk.powerCut()
    this.#harm += this.#disk.harm
    this.#disk = this.#newDisk(disk)
    this.#note(`power cut, index ${await this.#index.lay(anyFate(this.#random))}`)
  }

  async #kill(): Promise<void> {
    this.#stops++
    this.#harm += this.#disk.harm
    this.#disk = this.#newDisk(this.#disk.processKill())
    this.#note(
      `process killed, index ${await this.#index.lay(this.#random.pick(['kept', 'kept', 'lost']))}`
    )
  }

  #note(text: string): void {
    this.story.push(text)
  }

  #newDisk(disk: FaultyDisk): FaultyDisk {
    disk.faults.syncLies = this.#options.syncLies ?? 0
    disk.stopAfter(callsMax)
    return disk
  }

  #engineOf(store: Store): Engine {
    return this.#options.engineOf?.(store) ?? store
  }

  async #open(): Promise<Store> {
    // The timers of a store that is no more must not fire; time goes on.
    this.#clock = new FakeClock(this.#clock.now() + this.#random.integer(5000))
    const store = await openStore({
      folder: '/data',
      fileSystem: this.#options.fileSystemOf?.(this.#disk) ?? this.#disk,
      clock: this.#clock,
      random: this.#random.fork(),
      log: () => {},
      flushMode: this.#options.flushMode,
      settings: this.#settings,
      keepPolicyOf,
      openIndex: () => {
        const { database } = this.#index
        return this.#options.databaseOf?.(database) ?? database
      },
      bootId: `${this.#boot}`
    })
    const { damages } = store.recovery
    this.#note(`opened: ${JSON.stringify(store.recovery)}`)
    if (damages.length > 0 && (this.#options.syncLies ?? 0) === 0) {
      throw new Violation(`damage where none was done: ${JSON.stringify(damages)}`)
    }
    return store
  }
}
