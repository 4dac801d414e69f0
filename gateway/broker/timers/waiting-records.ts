/**
 * Reading the records that wait. Timers that are due together have often waited together, but may as well be spread
 * over many batches: so some batches are kept as they are, and one record is read out of each when it is wanted.
 */
import { CompressionError } from '../../../storage/batch/compression-limits.ts'
import type { RecordBatch } from '../../../storage/batch/record-batch.ts'
import { recordAt, recordsBlock } from '../../../storage/batch/records.ts'
import {
  type Engine,
  type QueueData,
  type QueueRead,
  type QueueUid,
  StoreError,
  type TopicId
} from '../../../storage/index.ts'
import { batchesIn, RecordMessage } from '../translate/index.ts'

/** Batches kept, by their bytes. */
const keptBytesMax = 8 * 1024 * 1024
/** Of each place that is read ahead of its time; batches of small records that wait are half as large. */
const aheadBytes = 8 * 1024
/** Read at one place where many records near to each other are wanted. */
const stretchBytesMax = 128 * 1024
/** Rounds of reading ahead: where more than one stretch is wanted of near records. */
const aheadRounds = 4

/** What a record is taken to have before any was read. */
const recordBytesGuess = 512

const readOptions = { isolation: 'uncommitted', withOrigins: true, borrows: true } as const

interface Kept {
  readonly batch: RecordBatch
  /** Its records, inflated. */
  readonly block: Buffer
  readonly baseOffset: number
  readonly nextOffset: number
  readonly appendTimeMs: number
}

export class WaitingRecords {
  readonly #engine: Pick<Engine, 'read'>
  readonly #topicId: TopicId
  readonly #queue: QueueUid
  /** The oldest first. */
  #kept: Kept[] = []
  #keptBytes = 0
  /** Of the batch read last, on average. */
  #recordBytes = recordBytesGuess
  readonly #keptByOffset = new Map<number, Kept>()

  /** `queue`: of the system topic with that id. */
  constructor(engine: Pick<Engine, 'read'>, topicId: TopicId, queue: QueueUid) {
    this.#engine = engine
    this.#topicId = topicId
    this.#queue = queue
  }

  /** Rejects with StoreError, 'corrupt' or 'offset-out-of-range' where the record is lost for good. */
  async message(offset: number): Promise<RecordMessage> {
    const kept = this.#keptByOffset.get(offset) ?? (await this.#readAlone(offset))
    const message = kept && this.#messageIn(kept, offset)
    if (message !== undefined) return message
    throw new StoreError('corrupt', `no record at offset ${offset} of queue ${this.#queue}`)
  }

  /**
   * Reads what will be asked for, many places at a time. What cannot be read so is left for `message`, which says why.
   * `offsets`: as many as `keptBytesMax` has room for.
   */
  async readAhead(offsets: readonly number[]): Promise<void> {
    let missing = [...new Set(offsets)].sort((a, b) => a - b)
    for (let round = 0; round < aheadRounds; round++) {
      missing = missing.filter((offset) => !this.#keptByOffset.has(offset))
      const queues = this.#stretchesOf(missing)
      if (queues.length === 0) return
      const maxBytes = queues.reduce((sum, one) => sum + one.maxBytes, 0)
      const results = await this.#engine.read({ ...readOptions, queues, maxBytes })
      for (const result of results) {
        if (result instanceof StoreError) continue
        // `message` meets it again, and says of which record.
        await this.#keepAll(result).catch(() => undefined)
      }
      // A batch that is larger than its place may have, or damaged: not asked for a second time.
      const begins = new Set(queues.map(({ offset }) => offset))
      missing = missing.filter((offset) => !begins.has(offset))
    }
  }

  /** Where to read, and how much, so that records near to each other are read together. */
  #stretchesOf(sorted: readonly number[]): QueueRead[] {
    const stretches: { queue: QueueUid; offset: number; maxBytes: number }[] = []
    let last = 0
    for (const offset of sorted) {
      const stretch = stretches.at(-1)
      const between = (offset - last) * this.#recordBytes
      last = offset
      const isNear = between <= aheadBytes
      if (stretch !== undefined && isNear && stretch.maxBytes + between <= stretchBytesMax)
        stretch.maxBytes += between
      else stretches.push({ queue: this.#queue, offset, maxBytes: aheadBytes })
    }
    return stretches
  }

  /** Lets go of what is kept for the next timers. */
  forget(): void {
    this.#kept = []
    this.#keptBytes = 0
    this.#keptByOffset.clear()
  }

  #messageIn({ batch, block, appendTimeMs }: Kept, offset: number): RecordMessage | undefined {
    const source = { origin: 'rocketmq', topicId: this.#topicId, queue: this.#queue } as const
    const record = unlessCorrupt(() => recordAt(batch, block, offset))
    return record && new RecordMessage(record, { ...source, appendTimeMs })
  }

  /** The batch that has the record, whatever its size. */
  async #readAlone(offset: number): Promise<Kept | undefined> {
    const queues = [{ queue: this.#queue, offset, maxBytes: 1 }]
    const [result] = await this.#engine.read({ ...readOptions, queues, maxBytes: 1 })
    if (result === undefined || result instanceof StoreError) throw result
    const found = await this.#keepAll(result)
    return found.find(({ baseOffset, nextOffset }) => baseOffset <= offset && offset < nextOffset)
  }

  /** Keeps the batches of a read, which ends with it. */
  async #keepAll(result: QueueData): Promise<Kept[]> {
    try {
      return await this.#keepBatches(result)
    } finally {
      result.release?.()
    }
  }

  async #keepBatches(result: QueueData): Promise<Kept[]> {
    const found: Kept[] = []
    for (const given of batchesIn(result.buffers) ?? []) {
      // What is kept outlives the read, whose buffers are lent.
      const batch = { ...given, bytes: Buffer.from(given.bytes) }
      const baseOffset = Number(batch.bytes.readBigInt64BE(0))
      const nextOffset = baseOffset + batch.lastOffsetDelta + 1
      const origin = result.origins.find((one) => one.nextOffset > baseOffset)
      const { appendTimeMs = 0 } = origin ?? {}
      const block = await recordsBlock(batch)
      found.push({ batch, block, baseOffset, nextOffset, appendTimeMs })
    }
    for (const one of found) this.#keep(one)
    const newest = found.at(-1)
    if (newest !== undefined) {
      const records = newest.nextOffset - newest.baseOffset
      this.#recordBytes = Math.ceil(newest.block.length / records)
    }
    return found
  }

  #keep(kept: Kept): void {
    if (this.#keptByOffset.has(kept.baseOffset)) return
    this.#kept.push(kept)
    this.#keptBytes += kept.block.length
    for (let at = kept.baseOffset; at < kept.nextOffset; at++) this.#keptByOffset.set(at, kept)
    let gone = 0
    for (; this.#keptBytes > keptBytesMax; gone++) this.#letGo(this.#kept[gone] as Kept)
    if (gone > 0) this.#kept.splice(0, gone)
  }

  #letGo({ block, baseOffset, nextOffset }: Kept): void {
    this.#keptBytes -= block.length
    for (let at = baseOffset; at < nextOffset; at++) this.#keptByOffset.delete(at)
  }
}

function unlessCorrupt<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CompressionError) throw new StoreError('corrupt', error.message)
    throw error
  }
}
