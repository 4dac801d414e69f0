/** What compaction leaves of a queue's batches: Kafka's Cleaner.cleanInto and shouldRetainRecord, batch by batch. */
import { controlBit, transactionalBit } from '../batch/attributes.ts'
import { deleteHorizonOf, emptyBatch, filterBatch } from '../batch/filter-batch.ts'
import { baseOffsetOf } from '../batch/patch-batch.ts'
import type { RecordBatch } from '../batch/record-batch.ts'
import type { Queue } from '../queue.ts'
import type { KeyMap } from './key-map.ts'
import type { Transactions } from './transactions.ts'

export interface QueueFilterOptions {
  readonly queue: Queue
  /** Newest offsets of the keys in what is compacted for the first time. */
  readonly newest: KeyMap
  /** Records from there on are left alone. */
  readonly to: number
  /** Undefined where the queue has none. */
  readonly transactions: Transactions | undefined
  /** How long what may not stay for ever stays, ms. */
  readonly tombstoneMs: number
  readonly nowMs: number
}

/** What is the same for all records of a batch. */
interface BatchFate {
  /** Tombstones and markers may go. */
  readonly isPastHorizon: boolean
  /** It ends a transaction of which nothing is left. */
  readonly isEmptyMarker: boolean
  readonly isControl: boolean
  /** None of it stays. */
  readonly isDiscarded: boolean
}

export class QueueFilter {
  readonly #options: QueueFilterOptions
  /** Records that went. */
  removed = 0
  /** When the first of what stays for a while may go, ms. */
  horizonMs = Number.POSITIVE_INFINITY

  constructor(options: QueueFilterOptions) {
    this.#options = options
  }

  /**
   * The batch itself where all of it stays as it is; undefined where it goes. Rejects with CompressionError where it
   * cannot be taken apart.
   */
  async apply(batch: RecordBatch): Promise<RecordBatch | undefined> {
    if (baseOffsetOf(batch) >= this.#options.to) return batch
    const fate = this.#fateOf(batch)
    const isGone = fate.isDiscarded || batch.recordCount === 0
    const left = isGone ? undefined : await this.#filter(batch, fate)
    if (isGone) this.removed += batch.recordCount
    if (left !== undefined) return left
    if (!this.#staysEmpty(batch)) return undefined
    return batch.recordCount === 0 ? batch : emptyBatch(batch)
  }

  #fateOf(batch: RecordBatch): BatchFate {
    const { transactions, nowMs } = this.#options
    const { attributes, producerId } = batch
    const offset = baseOffsetOf(batch)
    const isControl = (attributes & controlBit) !== 0
    const isPastHorizon = (deleteHorizonOf(batch) ?? Number.POSITIVE_INFINITY) <= nowMs
    const isEmptyMarker = isControl && transactions?.emptyMarkers.has(offset) === true
    const isAborted =
      !isControl &&
      (attributes & transactionalBit) !== 0 &&
      transactions?.isAborted(producerId, offset) === true
    const isDiscarded = isControl ? isEmptyMarker && isPastHorizon : isAborted
    return { isPastHorizon, isEmptyMarker, isControl, isDiscarded }
  }

  async #filter(batch: RecordBatch, fate: BatchFate): Promise<RecordBatch | undefined> {
    const { queue, newest, to, tombstoneMs, nowMs } = this.#options
    /** Something stays that may not stay for ever. */
    let waits = fate.isEmptyMarker
    const { batch: left, removed } = await filterBatch(batch, {
      keeps: ({ offset, key, hasValue }) => {
        if (fate.isControl || offset >= to) return true
        // Nobody can write any more what is without a key here.
        if (key === null || newest.get(queue.uid, key) > offset) return false
        if (hasValue) return true
        if (fate.isPastHorizon) return false
        waits = true
        return true
      },
      horizonMs: () => (waits && Number.isFinite(tombstoneMs) ? nowMs + tombstoneMs : undefined)
    })
    this.removed += removed
    if (left === undefined || !waits) return left
    this.horizonMs = Math.min(this.horizonMs, deleteHorizonOf(left) ?? Number.POSITIVE_INFINITY)
    return left
  }

  /**
   * Without records: the end of the queue, so that readers get there, and what is the newest of a producer, so that its
   * sequence can be told from the log alone.
   */
  #staysEmpty(batch: RecordBatch): boolean {
    const { queue } = this.#options
    const offset = baseOffsetOf(batch)
    if (offset + batch.lastOffsetDelta + 1 >= queue.highWatermark) return true
    return batch.producerId >= 0 && queue.producers.newestOffset(batch.producerId) === offset
  }
}
