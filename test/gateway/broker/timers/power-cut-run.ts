/**
 * One seeded run: timers are added, recalled and fire while the power goes, the process is killed, or LevelDB is lost
 * or older, at any call of the disk. What clients were told must hold of the target queue in the end.
 */
import { setImmediate } from 'node:timers/promises'
import { type TimerPlace, Timers } from '../../../../gateway/broker/timers/index.ts'
import {
  type Engine,
  openStore,
  type QueueUid,
  type Store,
  StoreError,
  type StoreSettings,
  type Topic
} from '../../../../storage/index.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { FaultyDisk } from '../../../support/faulty-disk.ts'
import { anyFate, IndexCopies } from '../../../support/index-copies.ts'
import { SeededRandom } from '../../../support/seeded-random.ts'
import { readTarget } from './target-content.ts'
import { recordOf } from './timer-world.ts'

export interface RunOptions {
  readonly flushMode: 'sync' | 'async'
  /** Puts something between timers and store, to see that its faults are found. */
  readonly engineOf?: (store: Store) => Engine
}

export interface RunReport {
  /** Copies that had to be there, and were. */
  readonly delivered: number
  /** Recalled for certain. */
  readonly recalled: number
  readonly stops: number
}

/** `maybe`: the store failed before it could say. */
type Answer = 'yes' | 'no' | 'maybe'

interface Added {
  readonly body: string
  readonly dueMs: number
  readonly place: TimerPlace | undefined
  added: Answer
  recalled: Answer
}

const settings: Partial<StoreSettings> = {
  segmentBytes: 64 * 1024,
  checkpointBytes: 16 * 1024,
  tailBytes: 64 * 1024,
  heldTimersMax: 16,
  reserveBytes: 0
}
/** A start that the clock of each life goes on from. */
const startMs = 1_750_000_000_000

export class TimersPowerCutRun {
  readonly #random: SeededRandom
  readonly #options: RunOptions
  readonly #index = new IndexCopies()
  readonly #all: Added[] = []
  #disk: FaultyDisk
  #clock = new FakeClock(startMs)
  #topic: Topic | undefined
  #boot = 0
  #next = 0
  #stops = 0

  constructor(seed: number, options: RunOptions) {
    this.#random = new SeededRandom(seed)
    this.#options = options
    this.#disk = new FaultyDisk({ random: this.#random.fork() })
    this.#disk.addFolder('/data')
  }

  /** Rejects where a timer fired too often, too early, or never. */
  async run(): Promise<RunReport> {
    await this.#index.lay('lost')
    for (let life = this.#random.between(2, 5); life > 0; life--) await this.#live()
    const { store, timers } = await this.#open()
    const topic = this.#topic
    if (topic === undefined) throw new Error('no life got as far as making the topic')
    await this.#clock.advance(60_000)
    for (let turn = 0; (await timers.pending('delayed')) > 0; turn++) {
      if (turn > 1000) throw new Error(`${await timers.pending('delayed')} timers never fire`)
      await this.#clock.advance(100)
    }
    const report = await this.#judge(store, topic.queues[0] as QueueUid)
    await timers.close()
    await store.close()
    return report
  }

  async #live(): Promise<void> {
    const random = this.#random
    const { store, timers } = await this.#open()
    if (this.#topic === undefined) {
      const id = random.uuid().toString('hex')
      const topic = { id, names: { kafka: 't', rocketmq: 't' }, queueCount: 1 }
      const { topics } = await store.commit({ changes: [{ op: 'create-topic', topic }] })
      await store.settle()
      this.#topic = topics[0]
    }
    this.#disk.stopAfter(random.integer(random.pick([30, 200, 800])))
    const steps = random.pick([5, 20, 60])
    for (let step = 0; step < steps && !this.#disk.stopped; step++) {
      await Promise.all(
        Array.from({ length: random.between(1, 8) }, () =>
          random.chance(0.3) ? this.#recall(timers) : this.#add(timers)
        )
      )
      if (random.chance(0.5)) await this.#clock.advance(random.integer(400))
      if (random.chance(0.1)) await this.#index.copy()
    }
    await this.#end(store, timers)
  }

  async #end(store: Store, timers: Timers): Promise<void> {
    const random = this.#random
    if (!this.#disk.stopped && random.chance(0.3)) {
      this.#disk.stopAfter(Number.POSITIVE_INFINITY)
      await timers.close()
      await store.close()
      await this.#index.lay('kept')
      return
    }
    this.#stops++
    const isPower = random.chance(0.7)
    const old = this.#disk
    this.#disk = isPower ? old.powerCut() : old.processKill()
    if (isPower) this.#boot++
    // What the old ones still do, they do to a disk and an index that are no more.
    await timers.close()
    for (let turn = 0; turn < 20; turn++) await setImmediate()
    await this.#index.lay(isPower ? anyFate(random) : random.pick(['kept', 'lost']))
  }

  async #add(timers: Timers): Promise<void> {
    const body = `${this.#next++}`
    const afterMs = this.#random.integer(3000)
    const dueMs = this.#clock.now() + afterMs
    const target = { topicId: this.#topic?.id ?? '', queue: 0 }
    const isAbsolute = this.#random.chance(0.5)
    const due = isAbsolute ? { atMs: dueMs } : { afterMs }
    const timer = { kind: 'delayed', record: recordOf(body), due, target } as const
    try {
      const { place } = await timers.add(timer)
      const added = this.#options.flushMode === 'sync' ? 'yes' : 'maybe'
      this.#all.push({ body, dueMs, place, added, recalled: 'no' })
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#all.push({ body, dueMs, place: undefined, added: 'maybe', recalled: 'no' })
    }
  }

  async #recall(timers: Timers): Promise<void> {
    const known = this.#all.filter(({ place, recalled }) => place && recalled === 'no')
    if (known.length === 0) return
    const one = this.#random.pick(known)
    if (one.place === undefined) return
    try {
      const result = await timers.settle(one.place)
      if (result !== undefined) one.recalled = this.#options.flushMode === 'sync' ? 'yes' : 'maybe'
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      one.recalled = 'maybe'
    }
  }

  async #judge(store: Store, queue: QueueUid): Promise<RunReport> {
    const copies = new Map<string, number[]>()
    for (const { body, appendTimeMs } of await readTarget(store, queue)) {
      copies.set(body, [...(copies.get(body) ?? []), appendTimeMs])
    }
    let [delivered, recalledCount] = [0, 0]
    for (const { body, dueMs, added, recalled } of this.#all) {
      const [first, ...more] = copies.get(body) ?? []
      copies.delete(body)
      if (more.length > 0) throw new Error(`${body} came ${more.length + 1} times`)
      if (first !== undefined && first < dueMs)
        throw new Error(`${body} came ${dueMs - first} ms early`)
      if (first !== undefined && recalled === 'yes')
        throw new Error(`${body} was recalled and came`)
      const mustCome = added === 'yes' && recalled === 'no'
      if (first === undefined && mustCome) throw new Error(`${body} never came`)
      if (mustCome) delivered++
      if (recalled === 'yes') recalledCount++
    }
    if (copies.size > 0) throw new Error(`nobody sent ${[...copies.keys()]}`)
    return { delivered, recalled: recalledCount, stops: this.#stops }
  }

  async #open(): Promise<{ store: Store; timers: Timers }> {
    const { flushMode, engineOf } = this.#options
    this.#clock = new FakeClock(this.#clock.now() + this.#random.integer(1500))
    const clock = this.#clock
    const random = this.#random.fork()
    const log = () => {}
    const store = await openStore({
      folder: '/data',
      fileSystem: this.#disk,
      clock,
      random,
      log,
      flushMode,
      settings,
      openIndex: () => this.#index.database,
      bootId: `${this.#boot}`
    })
    const engine = engineOf?.(store) ?? store
    const limits = { timersAtOnceMax: this.#random.pick([2, 50, 512]) }
    const timers = await Timers.open({ engine, clock, random, log, limits })
    timers.start()
    return { store, timers }
  }
}
