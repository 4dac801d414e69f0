/** A stored message as tools and consumers are given it one by one. */
import { encodeMessage, physicalOffsetOf } from '../broker/translate/index.ts'
import type { RequestContext } from './context.ts'
import type { PlacedMessage } from './message-at.ts'
import { storeHost } from './this-broker.ts'

/** The caller has seen to it that it is not too large. */
export function messageForClient(
  { topic, queue, queueId, message }: PlacedMessage,
  context: RequestContext
): Buffer {
  return encodeMessage(message, {
    topic: Buffer.from(topic.names.rocketmq),
    queueId,
    queueOffset: message.offset,
    physicalOffset: physicalOffsetOf(queue, message.offset),
    storeTimestampMs: message.storeTimestampMs,
    storeHost: storeHost(context)
  })
}
