/**
 * QUERY_CONSUME_QUEUE (321): what a queue's index has from a message on. Where each message is stored is what its id
 * says; there is no file to look into.
 */
import { StoreError } from '../../../storage/index.ts'
import {
  decodeMessages,
  isMessageFault,
  propertyOf,
  tagCode,
  tagsName
} from '../../broker/translate/index.ts'
import { type Handler, refuse } from '../context.ts'
import { everyMessage } from '../filter/message-filter.ts'
import type { queryConsumeQueueRequest } from '../headers/query-consume-queue.ts'
import { findTopic } from '../known-topics.ts'
import { pullFrom } from '../pulled-messages.ts'
import { responseCodes } from '../response-codes.ts'
import { subscriptionDataOf } from '../subscription-data.ts'

/** Messages told at most, whatever is asked for; what they hold is read for it. */
const messagesToldMax = 1000

export const queryConsumeQueue: Handler<typeof queryConsumeQueueRequest> = async (
  { header: { topic: name, queueId, index, count, consumerGroup } },
  context
) => {
  const topic = await findTopic(context, name)
  const queue = topic?.queues[queueId]
  if (topic === undefined || queue === undefined) {
    return refuse(responseCodes.SYSTEM_ERROR, `${queueId}@${name} is not exist!`)
  }
  const { logStartOffset, lastStableOffset } = await context.engine.ends(queue)
  const queueData = []
  let offset = Math.max(index, logStartOffset)
  const end = Math.min(lastStableOffset, index + Math.min(Math.max(count, 0), messagesToldMax))
  while (offset < end) {
    const bytesMax = context.limits.pullBytesMax
    const pull = { topic, queueId, queue, filter: everyMessage, countMax: end - offset, bytesMax }
    const { body, nextOffset } = await pullFrom(pull, offset, context)
    const messages = decodeMessages(body)
    if (isMessageFault(messages)) throw new StoreError('corrupt', 'messages that were just made')
    for (const { message, place, bytes: physicSize } of messages) {
      const tagsCode = tagCode(propertyOf(message.properties, tagsName))
      queueData.push({ physicOffset: place.physicalOffset, physicSize, tagsCode })
    }
    offset = nextOffset
  }
  const subscription = context.clients.consumerGroup(consumerGroup ?? '')?.subscription(name)
  const offline = subscription === undefined && consumerGroup !== undefined
  return {
    body: {
      subscriptionData: subscription && subscriptionDataOf(subscription),
      filterData: offline ? `${consumerGroup}@${name} is not online!` : undefined,
      queueData,
      maxQueueIndex: lastStableOffset,
      minQueueIndex: logStartOffset
    }
  }
}
