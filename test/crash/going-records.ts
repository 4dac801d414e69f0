/** Clients that make records go while others write: what a store does by itself then has much to do. */
import { setTimeout } from 'node:timers/promises'
import { untilLost } from '../support/connect.ts'
import type { HistoryEvent, RecordId } from './history.ts'
import { type LoadOptions, Producer, readEverything } from './load.ts'
import { RawConnection } from './raw-connection.ts'
import {
  createTopic,
  deleteRecords,
  deleteTopic,
  endOf,
  RawError,
  topicNames
} from './raw-requests.ts'
import { keyedOf } from './record-content.ts'

/** Deletes the records of a topic but for the newest, a random number of them, again and again. */
export async function trim(
  bootstrap: string,
  o: LoadOptions,
  keptMax: number,
  pauseMsMax: number
): Promise<void> {
  await untilLost(
    () => RawConnection.open(bootstrap),
    async (connection) => {
      for (;;) {
        await setTimeout(o.random.integer(pauseMsMax))
        const queue = o.random.integer(o.partitions)
        const partition = o.base + queue
        const end = await endOf(connection, o.topic, queue, 'highWatermark')
        const before = Math.max(0, end - o.random.integer(keptMax))
        o.record({ kind: 'may-go', partition, offset: before })
        const logStart = await deleteRecords(connection, o.topic, queue, before)
        if (logStart < before) throw new Error(`${o.topic} begins at ${logStart}, not ${before}`)
        o.record({ kind: 'gone', partition, offset: logStart })
      }
    }
  )
}

/** Says what of a topic with `retention.ms` must still be there, by when its batches were sent. */
export class Expiry {
  readonly #retentionMs: number
  readonly #now: () => number
  /** First sent, ms since the epoch, by the batch's first record. */
  readonly #sentMs = new Map<string, number>()
  readonly #batches = new Map<number, { readonly sentMs: number; readonly offset: number }[]>()

  constructor(retentionMs: number, now: () => number = Date.now) {
    this.#retentionMs = retentionMs
    this.#now = now
  }

  note(event: HistoryEvent): void {
    if (event.kind !== 'sent' && event.kind !== 'acknowledged') return
    const [first] = event.ids
    if (first === undefined) return
    const name = `${first.producer}:${first.partition}:${first.count}`
    const sentMs = this.#sentMs.get(name) ?? this.#now()
    this.#sentMs.set(name, sentMs)
    if (event.kind === 'sent') return
    const batches = this.#batches.get(first.partition) ?? []
    batches.push({ sentMs, offset: event.baseOffset })
    this.#batches.set(first.partition, batches)
  }

  /** The first offset of a partition that is too young to have gone. What stands behind it stays with it. */
  youngest(partition: number): number {
    const bornMs = this.#now() - this.#retentionMs
    const young = (this.#batches.get(partition) ?? []).filter(({ sentMs }) => sentMs > bornMs)
    this.#batches.set(partition, young)
    return Math.min(Number.MAX_SAFE_INTEGER, ...young.map(({ offset }) => offset))
  }
}

/** Says which tombstones of a compacted topic may have gone, by when they were sent. */
export class TombstoneAges {
  readonly #retentionMs: number
  readonly #now: () => number
  readonly #seen = new Set<string>()
  /** Not told yet, the oldest first; when they were sent first, ms since the epoch. */
  readonly #young: { readonly sentMs: number; readonly id: RecordId }[] = []

  /** `retentionMs`: the topic's `delete.retention.ms`. */
  constructor(retentionMs: number, now: () => number = Date.now) {
    this.#retentionMs = retentionMs
    this.#now = now
  }

  note(event: HistoryEvent): void {
    if (event.kind !== 'sent') return
    for (const id of event.ids.filter((one) => keyedOf(one).isTombstone)) {
      const name = `${id.producer}:${id.partition}:${id.count}`
      if (this.#seen.has(name)) continue
      this.#seen.add(name)
      this.#young.push({ sentMs: this.#now(), id })
    }
  }

  /** Those that have grown old enough since this was asked last. */
  old(): RecordId[] {
    const bornMs = this.#now() - this.#retentionMs
    const firstYoung = this.#young.findIndex(({ sentMs }) => sentMs > bornMs)
    const count = firstYoung < 0 ? this.#young.length : firstYoung
    return this.#young.splice(0, count).map(({ id }) => id)
  }
}

const shortLivedMax = 150
/** Kafka's UNKNOWN_TOPIC_OR_PARTITION. */
const unknownTopic = 3

/** Topics that are made, filled and deleted, one after the other. */
export class ShortTopics {
  /** That were made and not seen to be gone. */
  readonly #there = new Map<string, LoadOptions>()
  readonly #load: LoadOptions
  #count = 0

  /** `load.topic` begins their names, `load.base` those of their partitions. */
  constructor(load: LoadOptions) {
    this.#load = load
  }

  get count(): number {
    return this.#count
  }

  run(bootstrap: string): Promise<void> {
    return untilLost(
      () => RawConnection.open(bootstrap),
      async (connection) => {
        for (const topic of this.#there.keys()) await this.#drop(connection, topic)
        for (;;) await this.#drop(connection, await this.#makeAndFill(connection))
      }
    )
  }

  async #makeAndFill(connection: RawConnection): Promise<string> {
    const { topic: prefix, base, random } = this.#load
    const topic = `${prefix}-${this.#count}`
    const one = { ...this.#load, topic, partitions: 1, base: base + this.#count++ }
    this.#there.set(topic, one)
    await createTopic(connection, topic, 1)
    one.record({ kind: 'topic-made', topic })
    await new Producer('brief', false, 1, one).sendSome(connection, random.integer(shortLivedMax))
    return topic
  }

  async #drop(connection: RawConnection, topic: string): Promise<void> {
    const { record } = this.#load
    record({ kind: 'topic-drop-sent', topic })
    await deleteTopic(connection, topic).catch((error: RawError) => {
      if (!(error instanceof RawError && error.code === unknownTopic)) throw error
    })
    this.#there.delete(topic)
    record({ kind: 'topic-dropped', topic })
  }

  /** Looks which topics there are, and reads those of its own. */
  async look(bootstrap: string): Promise<void> {
    const connection = await RawConnection.open(bootstrap)
    const topics = await topicNames(connection)
    connection.close()
    this.#load.record({ kind: 'topics', topics })
    for (const [topic, one] of this.#there) {
      if (topics.includes(topic)) await readEverything(bootstrap, one)
      else this.#there.delete(topic)
    }
  }
}
