/** Reading the records that wait, a few of one read together. */
import {
  type Engine,
  type QueueUid,
  StoreError,
  type Topic,
  type TopicId
} from '../../../storage/index.ts'
import {
  batchesIn,
  type DecodedBatch,
  DecodedBatches,
  decodeLimits,
  messagesFrom,
  type RecordMessage
} from '../translate/index.ts'

/** Batches kept, by their bytes: timers that are due together often waited together. */
const keptBytesMax = 8 * 1024 * 1024
/** Which of them a record is in is looked for one by one. */
const keptMax = 64
/** Kept here, not there. */
const limits = { ...decodeLimits, keptBytesMax: 0, keptBatchBytesMax: 0 }

interface Kept {
  readonly batch: DecodedBatch
  readonly bytes: number
}

export class WaitingRecords {
  readonly #engine: Pick<Engine, 'read'>
  readonly #topicId: TopicId
  readonly #queue: QueueUid
  readonly #decoded = new DecodedBatches(limits)
  /** The newest last. */
  #kept: Kept[] = []
  #keptBytes = 0

  /** `topic`: a system topic, of one queue. */
  constructor(engine: Pick<Engine, 'read'>, topic: Topic) {
    this.#engine = engine
    this.#topicId = topic.id
    this.#queue = topic.queues[0] as QueueUid
  }

  /** Rejects with StoreError, 'corrupt' or 'offset-out-of-range' where the record is lost for good. */
  async message(offset: number): Promise<RecordMessage> {
    const kept = this.#kept.find(
      ({ batch }) => batch.baseOffset <= offset && offset < batch.nextOffset
    )
    const message = kept?.batch.messages.find((one) => one.offset === offset)
    return message ?? this.#read(offset)
  }

  /** Lets go of what is kept for the next timers. */
  forget(): void {
    this.#kept = []
    this.#keptBytes = 0
  }

  async #read(offset: number): Promise<RecordMessage> {
    const [result] = await this.#engine.read({
      // The batch that has the record, whatever its size.
      queues: [{ queue: this.#queue, offset, maxBytes: 1 }],
      maxBytes: 1,
      isolation: 'uncommitted',
      withOrigins: true
    })
    if (result instanceof StoreError) throw result
    const origin = result?.origins.find(({ nextOffset }) => nextOffset > offset)
    for (const batch of batchesIn(result?.buffers ?? []) ?? []) {
      if (origin === undefined) break
      const { appendTimeMs } = origin
      const source = { origin: origin.origin, topicId: this.#topicId, queue: this.#queue }
      const decoded = await this.#decoded.decode({ ...source, appendTimeMs }, batch)
      const [message] = messagesFrom(decoded, offset)
      if (message?.offset !== offset) continue
      this.#keep({ batch: decoded, bytes: batch.bytes.length })
      return message
    }
    throw new StoreError('corrupt', `no record at offset ${offset} of queue ${this.#queue}`)
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept)
    this.#keptBytes += kept.bytes
    while (this.#kept.length > keptMax || this.#keptBytes > keptBytesMax)
      this.#keptBytes -= this.#kept.shift()?.bytes ?? 0
  }
}
