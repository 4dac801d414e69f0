/**
 * What goes through the server, for consoles and tools: records appended by queue, records given by group and topic,
 * and all of it together. In memory, from the start of the process on; what has no traffic for a day is forgotten.
 */
import type { QueueUid, TopicId } from '../../../storage/contract.ts'
import type { Clock } from '../../../storage/ports.ts'
import { DayTotals } from './day-totals.ts'
import { RollingCounter } from './rolling-counter.ts'

export interface TrafficLimits {
  /** Queues, and groups' topics, that are counted one by one; about 1 KiB each. More only count with all others. */
  readonly countersMax: number
  /** Queues that groups were given records of, all together; of more it is not known how far they were given. */
  readonly placesMax: number
  /** What was idle for so long makes room. */
  readonly idleMs: number
  /** How often that is looked for, at most. */
  readonly sweepMs: number
}

export const trafficLimits: TrafficLimits = {
  countersMax: 20_000,
  placesMax: 1_000_000,
  idleMs: 24 * 60 * 60 * 1000,
  sweepMs: 60_000
}

/** Records of one topic that one group's readers were given. */
export interface Given {
  readonly counter: RollingCounter
  /** By queue number: the offset after the last record given. */
  readonly places: ReadonlyMap<number, number>
}

interface OwnGiven extends Given {
  readonly places: Map<number, number>
}

export class Traffic {
  /** All appends; all reads that found something, and all that did not. */
  readonly appends: RollingCounter
  readonly reads: RollingCounter
  readonly misses: RollingCounter
  /** Records appended and given, by day. */
  readonly appendDays: DayTotals
  readonly readDays: DayTotals
  /** Monotonic, ms. */
  readonly startedMs: number
  readonly #clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly #limits: TrafficLimits
  readonly #byQueue = new Map<QueueUid, RollingCounter>()
  readonly #byGroup = new Map<string, OwnGiven>()
  readonly #sentBack = new Map<string, RollingCounter>()
  #places = 0
  #sweptMs = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'now' | 'monotonicMs'>, limits: TrafficLimits = trafficLimits) {
    this.#clock = clock
    this.#limits = limits
    const nowMs = clock.monotonicMs()
    this.startedMs = nowMs
    this.appends = new RollingCounter(nowMs)
    this.reads = new RollingCounter(nowMs)
    this.misses = new RollingCounter(nowMs)
    this.appendDays = new DayTotals(clock)
    this.readDays = new DayTotals(clock)
  }

  /** Records were appended to a queue, together. */
  appended(queue: QueueUid, records: number, bytes: number): void {
    const nowMs = this.#clock.monotonicMs()
    this.appendDays.add(records)
    this.appends.add(records, bytes, nowMs)
    this.#counter(this.#byQueue, queue, nowMs)?.add(records, bytes, nowMs)
  }

  /** Readers were given records; none: what they asked for was not there. */
  read(records: number, bytes: number): void {
    const nowMs = this.#clock.monotonicMs()
    if (records === 0) {
      this.misses.add(0, 0, nowMs)
      return
    }
    this.readDays.add(records)
    this.reads.add(records, bytes, nowMs)
  }

  /** A group (by its Kafka name) was given records of one queue of a topic; `nextOffset` is the one after the last. */
  given(
    group: string,
    topicId: TopicId,
    queue: number,
    records: number,
    bytes: number,
    nextOffset: number
  ): void {
    const nowMs = this.#clock.monotonicMs()
    const key = groupKey(group, topicId)
    let given = this.#byGroup.get(key)
    if (given === undefined) {
      if (!this.#hasRoom(nowMs)) return
      given = { counter: new RollingCounter(nowMs), places: new Map() }
      this.#byGroup.set(key, given)
    }
    given.counter.add(records, bytes, nowMs)
    if (!given.places.has(queue)) {
      if (this.#places >= this.#limits.placesMax) return
      this.#places++
    }
    given.places.set(queue, nextOffset)
  }

  /** A group sent a record of a topic back, to get it again later. */
  sentBack(group: string, topicId: TopicId): void {
    const nowMs = this.#clock.monotonicMs()
    this.#counter(this.#sentBack, groupKey(group, topicId), nowMs)?.add(1, 0, nowMs)
  }

  appendsTo(queue: QueueUid): RollingCounter | undefined {
    return this.#byQueue.get(queue)
  }

  givenTo(group: string, topicId: TopicId): Given | undefined {
    return this.#byGroup.get(groupKey(group, topicId))
  }

  sentBackBy(group: string, topicId: TopicId): RollingCounter | undefined {
    return this.#sentBack.get(groupKey(group, topicId))
  }

  #counter<K>(counters: Map<K, RollingCounter>, key: K, nowMs: number): RollingCounter | undefined {
    const known = counters.get(key)
    if (known !== undefined) return known
    if (!this.#hasRoom(nowMs)) return undefined
    const counter = new RollingCounter(nowMs)
    counters.set(key, counter)
    return counter
  }

  #hasRoom(nowMs: number): boolean {
    const { countersMax, sweepMs } = this.#limits
    if (this.#size < countersMax) return true
    if (nowMs - this.#sweptMs < sweepMs) return false
    this.#sweptMs = nowMs
    const idleSinceMs = nowMs - this.#limits.idleMs
    for (const counters of [this.#byQueue, this.#sentBack]) {
      for (const [key, { lastMs }] of counters) {
        if (lastMs <= idleSinceMs) counters.delete(key as never)
      }
    }
    for (const [key, { counter, places }] of this.#byGroup) {
      if (counter.lastMs > idleSinceMs) continue
      this.#byGroup.delete(key)
      this.#places -= places.size
    }
    return this.#size < countersMax
  }

  get #size(): number {
    return this.#byQueue.size + this.#byGroup.size + this.#sentBack.size
  }
}

function groupKey(group: string, topicId: TopicId): string {
  return `${topicId}${group}`
}
