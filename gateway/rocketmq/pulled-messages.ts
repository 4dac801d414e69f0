/** One look at a queue for a pull: what is there from an offset on, filtered and within the pull's limits. */
import type { OriginOf, QueueData, QueueUid, Topic } from '../../storage/contract.ts'
import { StoreError } from '../../storage/index.ts'
import {
  batchesIn,
  type DecodedBatch,
  encodeMessage,
  messagesFrom,
  physicalOffsetOf,
  type RecordMessage
} from '../broker/translate/index.ts'
import type { RequestContext } from './context.ts'
import type { MessageFilter } from './filter/message-filter.ts'
import { storeHost } from './this-broker.ts'

export interface Pull {
  readonly topic: Topic
  readonly queueId: number
  readonly queue: QueueUid
  readonly filter: MessageFilter
  readonly countMax: number
  readonly bytesMax: number
}

export interface Pulled {
  /** Stored messages, one each; empty where none was found. */
  readonly found: readonly Buffer[]
  /** Everything before it was looked at. */
  readonly nextOffset: number
  readonly minOffset: number
  readonly maxOffset: number
}

/** Rejects with StoreError, offset-out-of-range where the offset is none of the queue's. */
export async function pullFrom(
  pull: Pull,
  offset: number,
  context: RequestContext
): Promise<Pulled> {
  const room = context.reserveAnswer(pull.bytesMax)
  try {
    const data = await readFrom(pull, offset, Math.max(room, 1), context)
    const { logStartOffset: minOffset, lastStableOffset: maxOffset } = data.ends
    return { ...(await messagesOf(pull, offset, data, context)), minOffset, maxOffset }
  } finally {
    context.releaseAnswer(room)
  }
}

async function readFrom(
  { queue }: Pull,
  offset: number,
  maxBytes: number,
  { engine }: RequestContext
): Promise<QueueData> {
  const [result] = await engine.read({
    queues: [{ queue, offset, maxBytes }],
    maxBytes,
    isolation: 'committed',
    withOrigins: true
  })
  if (result === undefined) throw new Error('the store answered fewer queues than were read')
  if (result instanceof StoreError) throw result
  return result
}

async function messagesOf(
  pull: Pull,
  offset: number,
  { buffers, nextOffset, origins }: QueueData,
  context: RequestContext
): Promise<Pick<Pulled, 'found' | 'nextOffset'>> {
  const batches = batchesIn(buffers)
  if (batches === undefined) throw new StoreError('corrupt', 'what was read is no row of batches')
  const answer = new Answer(pull, context)
  for (const batch of batches) {
    const { origin, appendTimeMs } = originOf(origins, Number(batch.bytes.readBigInt64BE(0)))
    const source = { origin, topicId: pull.topic.id, queue: pull.queue, appendTimeMs }
    const decoded = await context.decoded.decode(source, batch)
    if (decoded.fault !== undefined) logFault(decoded, pull, context)
    for (const message of messagesFrom(decoded, offset)) {
      if (!answer.take(message)) return { found: answer.found, nextOffset: message.offset }
    }
  }
  return { found: answer.found, nextOffset: Math.max(nextOffset, offset) }
}

/** What clients get, as long as there is room. */
class Answer {
  readonly found: Buffer[] = []
  readonly #pull: Pull
  readonly #context: RequestContext
  readonly #topic: Buffer
  readonly #host
  #bytes = 0

  constructor(pull: Pull, context: RequestContext) {
    this.#pull = pull
    this.#context = context
    this.#topic = Buffer.from(pull.topic.names.rocketmq)
    this.#host = storeHost(context)
  }

  /** False if there is no room for it: then it is the next pull's first. One alone always fits. */
  take(message: RecordMessage): boolean {
    const { filter, countMax, bytesMax, queue, queueId } = this.#pull
    if (this.found.length >= countMax) return false
    if (!filter.wants(message)) return true
    if (message.isTooLarge) {
      logSkipped(message.offset, message.offset + 1, 'too large', this.#pull, this.#context)
      return true
    }
    const bytes = message.bytesFor(this.#topic.length, this.#host)
    if (this.found.length > 0 && this.#bytes + bytes > bytesMax) return false
    this.#bytes += bytes
    this.found.push(
      encodeMessage(message, {
        topic: this.#topic,
        queueId,
        queueOffset: message.offset,
        physicalOffset: physicalOffsetOf(queue, message.offset),
        storeTimestampMs: message.storeTimestampMs,
        storeHost: this.#host
      })
    )
    return true
  }
}

function originOf(origins: readonly OriginOf[], offset: number): OriginOf {
  const found = origins.find(({ nextOffset }) => nextOffset > offset)
  if (found === undefined) throw new Error(`the store does not say where offset ${offset} is from`)
  return found
}

function logFault(
  { baseOffset, nextOffset, fault }: DecodedBatch,
  pull: Pull,
  context: RequestContext
) {
  logSkipped(baseOffset, nextOffset, fault?.text ?? '', pull, context)
}

function logSkipped(
  offset: number,
  nextOffset: number,
  reason: string,
  { topic, queueId }: Pull,
  { log }: RequestContext
): void {
  log('warn', 'records-skipped', {
    topic: topic.names.rocketmq,
    queueId,
    offset,
    nextOffset,
    reason
  })
}
