/** Clients that load the server until it dies, and write down what they saw. */
import { setTimeout } from 'node:timers/promises'
import { untilLost } from '../support/connect.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { HistoryEvent, RecordId, SeenRecord } from './history.ts'
import { type BatchStamp, decodeBatches, nextOffsetOf } from './raw-bytes.ts'
import { RawConnection } from './raw-connection.ts'
import {
  commitOffset,
  committedOffset,
  endOf,
  fetch,
  initProducerId,
  isOutOfRange,
  produce,
  RawError
} from './raw-requests.ts'
import { contentOf, idOf, idOfKeyed, keyedContentOf } from './record-content.ts'

export interface LoadOptions {
  topic: string
  partitions: number
  /** What the history adds to the numbers of this topic's partitions, so that each is called differently. */
  base: number
  random: SeededRandom
  /** The topic is compacted: records have keys, some of them no value, and others may go (record-content.ts). */
  isCompacted?: boolean
  /** A producer's pause before each batch, ms. None if left out. */
  pauseMs?: number
  /** Of `reread`: the longest pause between two reads, ms. */
  rereadMsMax?: number
  /** The server's clock, where it has one of its own. */
  now?(): number
  /** Told where a partition begins, before a read of it; may record what has become allowed meanwhile. */
  beforeRead?(partition: number): void
  /** Takes every event, in the order it happened. */
  record(event: HistoryEvent): void
}

interface Batch {
  partition: number
  ids: RecordId[]
  sequence: number
}

const recordsPerBatchMax = 8

/**
 * Keeps `window` batches in flight. An idempotent one (at most 5, as Kafka's own) sends what was not acknowledged
 * again on the next connection, with the same sequence numbers; another one never does.
 */
export class Producer {
  readonly name: string
  acknowledgedBatches = 0
  readonly #options: LoadOptions
  readonly #idempotent: boolean
  readonly #window: number
  readonly #counts = new Map<number, number>()
  #pending: Batch[] = []
  #producerId: [id: number, epoch: number] | undefined

  constructor(name: string, idempotent: boolean, window: number, options: LoadOptions) {
    this.name = name
    this.#options = options
    this.#idempotent = idempotent
    this.#window = window
  }

  run(bootstrap: string): Promise<void> {
    return untilLost(
      () => RawConnection.open(bootstrap),
      async (connection) => {
        if (this.#idempotent) this.#producerId ??= await initProducerId(connection)
        const again = this.#idempotent ? this.#pending : []
        this.#pending = []
        const lanes = again.map((batch) => this.#send(connection, batch))
        while (lanes.length < this.#window) lanes.push(Promise.resolve())
        await Promise.all(lanes.map((lane) => this.#keepSending(connection, lane)))
      }
    )
  }

  /** Sends so many batches, one after the other, on a connection of the caller's. */
  async sendSome(connection: RawConnection, count: number): Promise<void> {
    for (let left = count; left > 0; left--) await this.#send(connection, this.#nextBatch())
  }

  async #keepSending(connection: RawConnection, first: Promise<void>): Promise<void> {
    await first
    const { pauseMs } = this.#options
    for (;;) {
      if (pauseMs !== undefined) await setTimeout(pauseMs)
      await this.#send(connection, this.#nextBatch())
    }
  }

  #nextBatch(): Batch {
    const { random, partitions, base } = this.#options
    const partition = base + random.integer(partitions)
    const sequence = this.#counts.get(partition) ?? 0
    const size = 1 + random.integer(recordsPerBatchMax)
    this.#counts.set(partition, sequence + size)
    const ids = Array.from({ length: size }, (_, i) => ({
      producer: this.name,
      partition,
      count: sequence + i
    }))
    return { partition, ids, sequence }
  }

  async #send(connection: RawConnection, batch: Batch): Promise<void> {
    const { topic, record, base, isCompacted, now } = this.#options
    const { partition, ids, sequence } = batch
    const [producerId, producerEpoch] = this.#producerId ?? [-1, -1]
    const baseSequence = this.#idempotent ? sequence : -1
    this.#pending.push(batch)
    record({ kind: 'sent', ids })
    // Not before: by when it was sent others tell how old it is.
    const timestamp = now?.() ?? Date.now()
    const stamp: BatchStamp = { producerId, producerEpoch, baseSequence, timestamp }
    const contents = isCompacted
      ? ids.map(keyedContentOf)
      : ids.map((id) => ({ value: contentOf(id) }))
    const queue = partition - base
    const { code, baseOffset } = await produce(connection, topic, queue, contents, stamp)
    if (code !== 0) throw new RawError(`Produce by ${this.name} at ${partition}:${sequence}`, code)
    this.#pending.splice(this.#pending.indexOf(batch), 1)
    record({ kind: 'acknowledged', baseOffset, ids })
    this.acknowledgedBatches++
  }
}

/** Where a consumer goes on after records: behind the last, for what was damaged and left out is none of them. */
export function nextOffset(records: readonly SeenRecord[]): number {
  return (records.at(-1)?.offset ?? -1) + 1
}

interface Seen {
  readonly records: SeenRecord[]
  /** Where a client goes on. */
  readonly next: number
}

function seen(bytes: Buffer, from: number, { isCompacted }: LoadOptions): Seen {
  // A batch may begin before the offset asked for; a client passes over those records.
  const records = decodeBatches(bytes)
    .filter(({ offset }) => offset >= from)
    .map((one) => ({ offset: one.offset, id: isCompacted ? idOfKeyed(one) : idOf(one.value) }))
  return { records, next: Math.max(from, nextOffsetOf(bytes) ?? 0) }
}

const consumerWaitMs = 10

/** Reads all partitions by turns from its committed offsets on, and commits as it goes. */
export async function consume(bootstrap: string, group: string, o: LoadOptions): Promise<void> {
  await untilLost(
    () => RawConnection.open(bootstrap),
    async (connection) => {
      const positions = new Map<number, number>()
      for (let partition = 0; partition < o.partitions; partition++) {
        const offset = await committedOffset(connection, group, o.topic, partition)
        o.record({ kind: 'committed', partition: o.base + partition, offset })
        positions.set(partition, Math.max(0, offset))
      }
      for (;;) {
        for (const [queue, from] of positions) {
          const given = await fetchSeen(connection, o, queue, from)
          const partition = o.base + queue
          if (given === undefined) {
            positions.set(queue, await endOf(connection, o.topic, queue, 'logStart'))
            continue
          }
          const { records, next } = given
          if (next === from) continue
          o.record({ kind: 'given', partition, from, next, records })
          positions.set(queue, next)
          if (o.random.integer(3) > 0) continue
          o.record({ kind: 'commit-sent', partition, offset: next })
          await commitOffset(connection, group, o.topic, queue, next)
          o.record({ kind: 'commit-acknowledged', partition, offset: next })
        }
      }
    }
  )
}

/** Undefined: the partition does not have this offset any more. */
async function fetchSeen(
  connection: RawConnection,
  o: LoadOptions,
  partition: number,
  from: number
): Promise<Seen | undefined> {
  try {
    const { records } = await fetch(connection, o.topic, partition, from, consumerWaitMs)
    return seen(records, from, o)
  } catch (error) {
    if (isOutOfRange(error)) return undefined
    throw error
  }
}

/** Reads every partition from its log start to its high watermark; nobody may be producing. */
export async function readEverything(bootstrap: string, o: LoadOptions): Promise<number> {
  const connection = await RawConnection.open(bootstrap)
  const total = await readOnce(connection, o)
  connection.close()
  return total
}

const rereadMsMaxDefault = 400

/** The same, again and again, while others write: of compacted topics, whose judge allows for that. */
export async function reread(bootstrap: string, o: LoadOptions): Promise<void> {
  await untilLost(
    () => RawConnection.open(bootstrap),
    async (connection) => {
      for (;;) {
        await setTimeout(o.random.integer(o.rereadMsMax ?? rereadMsMaxDefault))
        await readOnce(connection, o)
      }
    }
  )
}

async function readOnce(connection: RawConnection, o: LoadOptions): Promise<number> {
  let total = 0
  for (let queue = 0; queue < o.partitions; queue++) {
    const partition = o.base + queue
    let read: Read | undefined
    while (read === undefined) {
      o.record({ kind: 'read-begun', partition })
      read = await readPartition(connection, o, queue)
    }
    o.beforeRead?.(queue)
    o.record({ kind: 'read', partition, ...read })
    total += read.records.length
  }
  return total
}

interface Read {
  readonly from: number
  readonly end: number
  readonly records: readonly SeenRecord[]
}

/** Undefined: the log start moved meanwhile. */
async function readPartition(
  connection: RawConnection,
  o: LoadOptions,
  partition: number
): Promise<Read | undefined> {
  const { topic } = o
  const logStart = await endOf(connection, topic, partition, 'logStart')
  // Whoever asks for the end has all made durable that was acknowledged: it is within this read.
  await endOf(connection, topic, partition, 'highWatermark')
  const records: SeenRecord[] = []
  try {
    for (let from = logStart; ; ) {
      const fetched = await fetch(connection, topic, partition, from, 0)
      const more = seen(fetched.records, from, o)
      records.push(...more.records)
      if (more.next >= fetched.highWatermark) return { from: logStart, end: more.next, records }
      if (more.next === from) throw new Error(`${partition}@${from} cannot be read`)
      from = more.next
    }
  } catch (error) {
    const isMoved = isOutOfRange(error)
    if (isMoved && (await endOf(connection, topic, partition, 'logStart')) > logStart) {
      return undefined
    }
    throw error
  }
}
