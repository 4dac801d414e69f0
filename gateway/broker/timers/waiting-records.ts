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
  type QueueUid,
  StoreError,
  type TopicId
} from '../../../storage/index.ts'
import { batchesIn, RecordMessage } from '../translate/index.ts'

/** Batches kept, by their bytes. */
const keptBytesMax = 8 * 1024 * 1024
/** Which of them a record is in is looked for one by one. */
const keptMax = 256

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
  /** The newest last. */
  #kept: Kept[] = []
  #keptBytes = 0

  /** `queue`: of the system topic with that id. */
  constructor(engine: Pick<Engine, 'read'>, topicId: TopicId, queue: QueueUid) {
    this.#engine = engine
    this.#topicId = topicId
    this.#queue = queue
  }

  /** Rejects with StoreError, 'corrupt' or 'offset-out-of-range' where the record is lost for good. */
  async message(offset: number): Promise<RecordMessage> {
    const isIn = ({ baseOffset, nextOffset }: Kept) => baseOffset <= offset && offset < nextOffset
    const kept = this.#kept.find(isIn) ?? (await this.#read(offset)).find(isIn)
    const message = kept && this.#messageIn(kept, offset)
    if (message !== undefined) return message
    throw new StoreError('corrupt', `no record at offset ${offset} of queue ${this.#queue}`)
  }

  /** Lets go of what is kept for the next timers. */
  forget(): void {
    this.#kept = []
    this.#keptBytes = 0
  }

  #messageIn({ batch, block, appendTimeMs }: Kept, offset: number): RecordMessage | undefined {
    const source = { origin: 'rocketmq', topicId: this.#topicId, queue: this.#queue } as const
    const record = unlessCorrupt(() => recordAt(batch, block, offset))
    return record && new RecordMessage(record, { ...source, appendTimeMs })
  }

  /** The batch that has the record, and what else the store gave with it. */
  async #read(offset: number): Promise<Kept[]> {
    const [result] = await this.#engine.read({
      queues: [{ queue: this.#queue, offset, maxBytes: 1 }],
      maxBytes: 1,
      isolation: 'uncommitted',
      withOrigins: true,
      borrows: true
    })
    if (result === undefined || result instanceof StoreError) throw result
    try {
      return await this.#keepAll(result)
    } finally {
      result.release?.()
    }
  }

  async #keepAll(result: QueueData): Promise<Kept[]> {
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
    return found
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept)
    this.#keptBytes += kept.block.length
    while (this.#kept.length > keptMax || this.#keptBytes > keptBytesMax)
      this.#keptBytes -= this.#kept.shift()?.block.length ?? 0
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
