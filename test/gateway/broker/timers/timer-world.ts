/** Timers on the real store, on a disk in memory, under a clock that stands still. */
import type { Test } from 'tap'
import {
  type NewTimer,
  Timers,
  type TimersOptions
} from '../../../../gateway/broker/timers/index.ts'
import {
  isMessageFault,
  noHost,
  type RecordMessage,
  recordOfMessage
} from '../../../../gateway/broker/translate/index.ts'
import {
  type Engine,
  openStore,
  type PackedRecord,
  type QueueUid,
  type Store,
  type StoreSettings,
  type Topic
} from '../../../../storage/index.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { FaultyDisk } from '../../../support/faulty-disk.ts'
import { memoryIndex } from '../../../support/memory-index.ts'
import { type SeededRandom, seededRandom } from '../../../support/seeded-random.ts'
import { readTarget } from './target-content.ts'

export interface LogLine {
  readonly level: string
  readonly event: string
  readonly fields: Record<string, unknown>
}

export interface WorldOptions {
  readonly limits?: TimersOptions['limits']
  readonly settings?: Partial<StoreSettings>
  readonly flushMode?: 'sync' | 'async'
  /** Before each start, so that it can set actions. */
  readonly prepare?: (timers: Timers, world: TimerWorld) => void
  /** What the timers see of the store. */
  readonly engineOf?: (store: Store) => Engine
}

export class TimerWorld {
  readonly clock = new FakeClock()
  readonly random: SeededRandom
  readonly log: LogLine[] = []
  store!: Store
  timers!: Timers
  readonly #options: WorldOptions
  #disk: FaultyDisk
  #index = memoryIndex()

  private constructor(t: Test, options: WorldOptions) {
    this.random = seededRandom(t)
    this.#options = options
    this.#disk = new FaultyDisk({ random: this.random.fork() })
  }

  static async open(t: Test, options: WorldOptions = {}): Promise<TimerWorld> {
    const world = new TimerWorld(t, options)
    await world.#open()
    t.teardown(() => world.#close())
    return world
  }

  /** Events of the log since the start. */
  get events(): string[] {
    return this.log.map(({ event }) => event)
  }

  async reopen(meanwhileMs = 0): Promise<void> {
    await this.#close()
    await this.clock.advance(meanwhileMs)
    await this.#open()
  }

  /** The power goes: what was not fsynced may be lost, and so may LevelDB. */
  async crash(meanwhileMs = 0): Promise<void> {
    this.#disk = this.#disk.powerCut()
    this.#index = memoryIndex()
    // What the store that is no more still does, it does to a disk that is no more.
    await this.timers.close()
    await this.clock.advance(meanwhileMs)
    await this.#open()
  }

  async topic(name: string, queueCount = 1): Promise<Topic> {
    const id = this.random.uuid().toString('hex')
    const topic = { id, names: { kafka: name, rocketmq: name }, queueCount }
    const { topics } = await this.store.commit({ changes: [{ op: 'create-topic', topic }] })
    await this.store.settle()
    return topics[0]!
  }

  /** A timer for queue 0 of the topic. */
  newTimer(
    topic: Topic,
    body: string,
    due: NewTimer['due'],
    more: Partial<NewTimer> = {}
  ): NewTimer {
    const target = { topicId: topic.id, queue: 0 }
    return { kind: 'delayed', record: recordOf(body), due, target, ...more }
  }

  /** The messages of a queue. */
  async messagesOf(queue: QueueUid): Promise<RecordMessage[]> {
    return (await readTarget(this.store, queue)).map(({ message }) => message)
  }

  async bodiesOf(queue: QueueUid): Promise<string[]> {
    return (await this.messagesOf(queue)).map(({ body }) => body.toString())
  }

  async #open(): Promise<void> {
    const { limits = {}, settings = {}, flushMode = 'sync', prepare, engineOf } = this.#options
    const log = (level: string, event: string, fields: Record<string, unknown> = {}) => {
      this.log.push({ level, event, fields })
    }
    const { clock, random } = this
    this.store = await openStore({
      folder: '/data',
      fileSystem: this.#disk,
      clock,
      random,
      log: () => {},
      openIndex: () => this.#index as never,
      flushMode,
      settings: { reserveBytes: 0, ...settings }
    })
    const engine = engineOf?.(this.store) ?? this.store
    this.timers = await Timers.open({ engine, clock, random, log, limits })
    prepare?.(this.timers, this)
    this.timers.start()
  }

  async #close(): Promise<void> {
    await this.timers.close()
    await this.store.close()
  }
}

export function recordOf(body: string | Buffer, properties = ''): PackedRecord {
  const record = recordOfMessage({
    flag: 7,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_000,
    bornHost: noHost,
    reconsumeTimes: 2,
    preparedOffset: 0n,
    properties: Buffer.from(properties),
    body: Buffer.from(body)
  })
  if (isMessageFault(record)) throw new Error(record.text)
  return record
}
