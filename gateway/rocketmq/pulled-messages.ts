/** One look at a queue for a pull: what is there from an offset on, filtered and within the pull's limits. */
import type { OriginOf, QueueEnds, QueueUid, Topic } from '../../storage/contract.ts'
import { StoreError } from '../../storage/index.ts'
import {
  batchesIn,
  type DecodedBatch,
  physicalOffsetOf,
  type RecordMessage,
  writeMessage
} from '../broker/translate/index.ts'
import type { RequestContext } from './context.ts'
import type { MessageFilter } from './filter/message-filter.ts'
import type { Ahead } from './read-ahead.ts'
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
  readonly count: number
  /** The messages as they are stored, one after the other. */
  readonly body: Buffer
  /** Everything before it was looked at. */
  readonly nextOffset: number
  readonly minOffset: number
  readonly maxOffset: number
}

/** What was read, or is kept of what was read before. */
interface Looked extends Ahead {
  readonly ends: QueueEnds
  /** Gives back what the batches are slices of, where it is lent. */
  readonly release?: (() => void) | undefined
}

/** Rejects with StoreError, offset-out-of-range where the offset is none of the queue's. */
export async function pullFrom(
  pull: Pull,
  offset: number,
  context: RequestContext
): Promise<Pulled> {
  const room = context.reserveAnswer(pull.bytesMax)
  try {
    const looked =
      (await kept(pull, offset, context)) ??
      (await readFrom(pull, offset, Math.max(room, 1), context))
    const { logStartOffset: minOffset, lastStableOffset: maxOffset } = looked.ends
    try {
      return { ...(await messagesOf(pull, offset, looked, context)), minOffset, maxOffset }
    } finally {
      looked.release?.()
    }
  } finally {
    context.releaseAnswer(room)
  }
}

async function kept(
  { queue }: Pull,
  offset: number,
  { engine, readAhead }: RequestContext
): Promise<Looked | undefined> {
  const ahead = readAhead.take(queue, offset)
  if (ahead === undefined) return undefined
  const ends = await engine.ends(queue)
  return offset < ends.logStartOffset ? undefined : { ...ahead, ends }
}

async function readFrom(
  { queue }: Pull,
  offset: number,
  maxBytes: number,
  { engine }: RequestContext
): Promise<Looked> {
  const [result] = await engine.read({
    queues: [{ queue, offset, maxBytes }],
    maxBytes,
    isolation: 'committed',
    withOrigins: true,
    borrows: true
  })
  if (result === undefined) throw new Error('the store answered fewer queues than were read')
  if (result instanceof StoreError) throw result
  const batches = batchesIn(result.buffers)
  const { origins, nextOffset, ends, release } = result
  if (batches === undefined) {
    release?.()
    throw new StoreError('corrupt', 'what was read is no row of batches')
  }
  return { batches, origins, nextOffset, ends, release, places: undefined, isOwn: false }
}

async function messagesOf(
  pull: Pull,
  offset: number,
  { batches, nextOffset, origins, places, isOwn }: Looked,
  context: RequestContext
): Promise<Pick<Pulled, 'count' | 'body' | 'nextOffset'>> {
  const answer = new Answer(pull, context)
  for (const [i, batch] of batches.entries()) {
    const { origin, appendTimeMs } = originOf(origins, Number(batch.bytes.readBigInt64BE(0)))
    const source = { origin, topicId: pull.topic.id, queue: pull.queue, appendTimeMs }
    const decoded = await context.decoded.decode(source, batch, i === 0 ? places : undefined)
    if (decoded.fault !== undefined) logFault(decoded, pull, context)
    for (const message of decoded.from(offset)) {
      if (answer.take(message)) continue
      const { places } = decoded
      const rest = { batches: batches.slice(i), origins, nextOffset, places, isOwn }
      context.readAhead.keep(pull.queue, message.offset, rest)
      return { ...answer.encoded(), nextOffset: message.offset }
    }
  }
  return { ...answer.encoded(), nextOffset: Math.max(nextOffset, offset) }
}

/** What clients get, as long as there is room. */
class Answer {
  readonly #found: RecordMessage[] = []
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
    const { filter, countMax, bytesMax } = this.#pull
    if (this.#found.length >= countMax) return false
    if (!filter.wants(message)) return true
    if (message.isTooLarge) {
      logSkipped(message.offset, message.offset + 1, 'too large', this.#pull, this.#context)
      return true
    }
    const bytes = message.bytesFor(this.#topic.length, this.#host)
    if (this.#found.length > 0 && this.#bytes + bytes > bytesMax) return false
    this.#bytes += bytes
    this.#found.push(message)
    return true
  }

  /** All in one piece: many small ones cost the socket more than copying them. */
  encoded(): Pick<Pulled, 'count' | 'body'> {
    const { queue, queueId } = this.#pull
    const body = Buffer.allocUnsafe(this.#bytes)
    let at = 0
    for (const message of this.#found) {
      at = writeMessage(
        body,
        message,
        {
          topic: this.#topic,
          queueId,
          queueOffset: message.offset,
          physicalOffset: physicalOffsetOf(queue, message.offset),
          storeTimestampMs: message.storeTimestampMs,
          storeHost: this.#host
        },
        at
      )
    }
    if (at !== body.length) throw new Error(`${at} bytes of messages instead of ${body.length}`)
    return { count: this.#found.length, body }
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
