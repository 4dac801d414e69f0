/** Records that wait for a time, each settled exactly once; docs/timers.md. */
import {
  type Clock,
  type Commit,
  type CommitResult,
  type Engine,
  type LogSink,
  type QueueUid,
  type Random,
  StoreError,
  stateKeys,
  type TimerRow,
  type Topic
} from '../../../storage/index.ts'
import { copyToTarget } from './copy-to-target.ts'
import { newCounters, type TimerFigures } from './figures.ts'
import { type TimerLimits, timerLimits } from './limits.ts'
import { puttingAgain, Scheduler, settling } from './scheduler.ts'
import {
  type AddedTimer,
  type Also,
  detailBytesMax,
  type NewTimer,
  type PendingTimer,
  type TimerAction,
  type TimerKind,
  type TimerPlace,
  timerKinds,
  timerTopicName
} from './timer.ts'
import { WaitingRecords } from './waiting-records.ts'

export interface TimersOptions {
  readonly engine: Pick<
    Engine,
    'commit' | 'read' | 'readState' | 'dueTimers' | 'timersOf' | 'findTopic'
  >
  readonly clock: Clock
  readonly random: Random
  readonly log: LogSink
  readonly limits?: Partial<TimerLimits>
}

/** One queue of a hidden topic. */
interface Room {
  readonly kind: TimerKind
  readonly queue: QueueUid
  readonly records: WaitingRecords
  scheduler: Scheduler | undefined
}

/**
 * How far away the time of a delayed record may be for each queue; the last one takes the rest. A record that waits
 * keeps the part of its queue behind it from being deleted: those that wait long do that to each other only. The first
 * takes all of RocketMQ's delay levels.
 */
const horizonsMs = [2 * 3_600_000, 3 * 86_400_000, Number.POSITIVE_INFINITY] as const
const queueCounts: Readonly<Record<TimerKind, number>> = { delayed: horizonsMs.length, half: 1 }

/** Besides its detail. */
const rowBytesMax = 256

export class Timers {
  readonly #options: TimersOptions
  readonly #limits: TimerLimits
  readonly #rooms: readonly Room[]
  readonly #actions = new Map<TimerKind, TimerAction>()
  readonly #counters = newCounters()
  /** Being added: not pending yet. */
  #adding = 0

  private constructor(options: TimersOptions, rooms: readonly Room[]) {
    this.#options = options
    this.#limits = { ...timerLimits, ...options.limits }
    this.#rooms = rooms
    const { engine, clock } = options
    this.setAction('delayed', (due) => copyToTarget(due, engine, clock.now()))
  }

  /** Finds, or makes, the hidden topics. Nothing fires before `start`. Rejects with StoreError. */
  static async open(options: TimersOptions): Promise<Timers> {
    const rooms: Room[] = []
    for (const kind of timerKinds) {
      const topic = await systemTopic(options, timerTopicName(kind), queueCounts[kind])
      for (const queue of topic.queues) {
        const records = new WaitingRecords(options.engine, topic.id, queue)
        rooms.push({ kind, queue, records, scheduler: undefined })
      }
    }
    return new Timers(options, rooms)
  }

  /** What decides about due timers of a kind; before `start`. `delayed` has its own: a copy to the target. */
  setAction(kind: TimerKind, action: TimerAction): void {
    this.#actions.set(kind, action)
  }

  /** Begins to fire what is due, and was due while the server was down. A kind without an action waits on. */
  start(): void {
    const { engine, clock, log } = this.#options
    for (const room of this.#rooms) {
      const { kind, queue, records } = room
      const action = this.#actions.get(kind)
      if (action === undefined) continue
      room.scheduler = new Scheduler({
        kind,
        queue,
        engine,
        records,
        clock,
        log,
        limits: this.#limits,
        action,
        counters: this.#counters[kind]
      })
      void room.scheduler.run()
    }
  }

  /** Waits for the turn under way; what is due later waits for the next open. */
  async close(): Promise<void> {
    await Promise.all(this.#rooms.map(({ scheduler }) => scheduler?.close()))
  }

  /** A queue where records of a kind wait; the only one of half messages. */
  queueOf(kind: TimerKind): QueueUid {
    return this.#firstOf(kind).queue
  }

  #firstOf(kind: TimerKind): Room {
    const room = this.#rooms.find((one) => one.kind === kind)
    if (room === undefined) throw new Error(`nothing of the kind ${kind} can wait`)
    return room
  }

  /** Where a record waits that is due then. */
  #roomFor({ kind, due }: NewTimer): Room {
    if (kind !== 'delayed') return this.#firstOf(kind)
    const leftMs = 'atMs' in due ? due.atMs - this.#options.clock.now() : due.afterMs
    const index = horizonsMs.findIndex((horizonMs) => leftMs <= horizonMs)
    return this.#rooms.filter((one) => one.kind === kind)[index] ?? this.#firstOf(kind)
  }

  #roomOf(queue: QueueUid): Room | undefined {
    return this.#rooms.find((one) => one.queue === queue)
  }

  /**
   * Appends the record and puts its timer, with whatever else `also` has, in one commit. Rejects with StoreError:
   * limit-reached where too many are pending, condition-failed where a condition of `also` does not hold
   * (`detail.condition` counts from 0), and as `Engine.commit` does.
   */
  async add(timer: NewTimer, also: Also = {}): Promise<AddedTimer> {
    const { kind, due } = timer
    const { engine } = this.#options
    this.#adding++
    try {
      await this.#checkCount()
      const { queue, scheduler } = this.#roomFor(timer)
      const { appends } = await engine.commit(this.#commitOf(timer, queue, also))
      const { baseOffset: offset = 0, appendTimeMs = 0 } = appends[0] ?? {}
      const dueMs = 'atMs' in due ? due.atMs : appendTimeMs + due.afterMs
      this.#counters[kind].added++
      scheduler?.noteDue(dueMs)
      return { place: { queue, offset }, appendTimeMs, dueMs }
    } finally {
      this.#adding--
    }
  }

  /** The timer with its record, if it is pending. Rejects with StoreError. */
  async find(place: TimerPlace): Promise<PendingTimer | undefined> {
    const room = this.#roomOf(place.queue)
    if (room === undefined) return undefined
    const key = stateKeys.timer(place.queue, place.offset)
    const found = await this.#options.engine.readState(key, { settled: true })
    if (found === undefined) return undefined
    return { place, row: found.row, message: await room.records.message(place.offset) }
  }

  /**
   * Settles the timer, together with whatever `also` has; undefined if it was settled before, and nothing is done then.
   * Nothing in `also`: it is cancelled (a recall, a rollback). Rejects with StoreError; condition-failed for a
   * condition of `also`, whose index then counts from 1.
   */
  async settle(place: TimerPlace, also: Also = {}): Promise<CommitResult | undefined> {
    const result = await this.#ifPending(settling(place, also))
    const kind = this.#roomOf(place.queue)?.kind
    if (result !== undefined && kind !== undefined) this.#counters[kind].settled++
    return result
  }

  /** Puts a pending timer again as `row` says; false if it was settled. Rejects with StoreError. */
  async putAgain(row: TimerRow): Promise<boolean> {
    if ((await this.#ifPending(puttingAgain(row))) === undefined) return false
    this.#roomOf(row.queue)?.scheduler?.noteDue(row.dueMs)
    return true
  }

  /** How many wait. */
  async pending(kind: TimerKind): Promise<number> {
    let count = 0
    for (const room of this.#rooms)
      if (room.kind === kind) count += (await this.#options.engine.timersOf(room.queue)).pending
    return count
  }

  figures(): TimerFigures {
    return this.#counters
  }

  #commitOf(
    { kind, record, due, target, detail = {} }: NewTimer,
    queue: QueueUid,
    also: Also
  ): Commit {
    const bytes = Buffer.byteLength(Object.entries(detail).flat().join(''))
    if (bytes > detailBytesMax) throw new RangeError(`a timer's detail of ${bytes} bytes`)
    return {
      appends: [
        { queue, records: [record], origin: 'rocketmq', apart: true },
        ...(also.appends ?? [])
      ],
      changes: [
        {
          op: 'put',
          bytesMax: rowBytesMax + bytes * 2,
          row: ({ appends, appendTimeMs }) => ({
            family: 'timer',
            row: {
              queue,
              offset: appends[0]?.baseOffset ?? 0,
              dueMs: 'atMs' in due ? due.atMs : appendTimeMs + due.afterMs,
              action: kind === 'half' ? 'check' : 'copy',
              targetTopicId: target.topicId,
              targetQueue: target.queue,
              count: 0,
              detail
            }
          })
        },
        ...(also.changes ?? [])
      ],
      conditions: also.conditions ?? []
    }
  }

  async #checkCount(): Promise<void> {
    const { timersMax } = this.#limits
    let count = this.#adding
    for (const kind of timerKinds) count += await this.pending(kind)
    if (count <= timersMax) return
    throw new StoreError('limit-reached', `${timersMax} timers may be pending, and are`)
  }

  async #ifPending(commit: Commit): Promise<CommitResult | undefined> {
    try {
      return await this.#options.engine.commit(commit)
    } catch (error) {
      const isSettled = error instanceof StoreError && error.code === 'condition-failed'
      if (isSettled && error.detail.condition === 0) return undefined
      throw error
    }
  }
}

async function systemTopic(
  { engine, random }: TimersOptions,
  name: string,
  queueCount: number
): Promise<Topic> {
  const known = await engine.findTopic({ kafkaName: name }, { settled: true })
  if (known !== undefined && known.queues.length >= queueCount) return known
  const id = known?.id ?? random.uuid().toString('hex')
  const topic = { id, names: { kafka: name, rocketmq: name }, queueCount, system: true }
  const change =
    known === undefined
      ? ({ op: 'create-topic', topic } as const)
      : ({ op: 'update-topic', id, update: { queueCount } } as const)
  const { topics } = await engine.commit({ changes: [change] })
  return topics[0] as Topic
}
