/** Finding a message by where it is: the number in message ids and in pulled messages (RocketMQ's commitLogOffset). */
import type { QueueUid, Topic } from '../../storage/contract.ts'
import { StoreError } from '../../storage/index.ts'
import {
  batchesIn,
  offsetInWindow,
  physicalPlaceOf,
  type RecordMessage
} from '../broker/translate/index.ts'
import type { RequestContext } from './context.ts'

export interface PlacedMessage {
  readonly topic: Topic
  readonly queueId: number
  readonly queue: QueueUid
  readonly message: RecordMessage
}

/**
 * Undefined where there is none, or none any more. Records of Kafka's clients are found too, and those that wait in
 * system topics. Rejects with StoreError.
 */
export async function messageAt(
  physicalOffset: bigint,
  context: Pick<RequestContext, 'engine' | 'decoded'>
): Promise<PlacedMessage | undefined> {
  const place = physicalPlaceOf(physicalOffset)
  if (place === undefined) return undefined
  const { queue, lowOffset } = place
  const topic = await context.engine.findTopic({ queue })
  const [ends] = await context.engine.endsOf([queue])
  if (topic === undefined || ends === undefined) return undefined
  const { logStartOffset, lastStableOffset: highWatermark } = ends
  const offset = offsetInWindow(lowOffset, { logStartOffset, highWatermark })
  if (offset === undefined) return undefined
  const message = await readMessage(topic, queue, offset, context)
  return message && { topic, queue, queueId: topic.queues.indexOf(queue), message }
}

async function readMessage(
  topic: Topic,
  queue: QueueUid,
  offset: number,
  { engine, decoded }: Pick<RequestContext, 'engine' | 'decoded'>
): Promise<RecordMessage | undefined> {
  const maxBytes = 1
  const [data] = await engine.read({
    queues: [{ queue, offset, maxBytes }],
    maxBytes,
    isolation: 'committed',
    withOrigins: true
  })
  if (data instanceof StoreError) {
    // It went away since the queue's ends were asked for.
    if (data.code === 'offset-out-of-range' || data.code === 'queue-gone') return undefined
    throw data
  }
  const batch = batchesIn(data?.buffers ?? [])?.[0]
  const from = data?.origins.find(({ nextOffset }) => nextOffset > offset)
  if (batch === undefined || from === undefined) return undefined
  const { origin, appendTimeMs } = from
  const source = { origin, topicId: topic.id, queue, appendTimeMs }
  const [message] = (await decoded.decode(source, batch)).from(offset)
  return message?.offset === offset ? message : undefined
}
