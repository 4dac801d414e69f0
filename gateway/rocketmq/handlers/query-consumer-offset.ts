/**
 * QUERY_CONSUMER_OFFSET (14): where a group is, whichever protocol's clients said so. A group that has no place in a
 * queue yet is told 0 while the queue still has its first message, as by a real broker whose queue is young: a new
 * group misses nothing. Otherwise, and where the client wants to know, QUERY_NOT_FOUND: then it decides itself.
 */
import { toKafkaGroupName } from '../../broker/names.ts'
import { type Handler, refuse } from '../context.ts'
import type { queryConsumerOffsetRequest } from '../headers/query-consumer-offset.ts'
import { findTopic } from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'

export const queryConsumerOffset: Handler<typeof queryConsumerOffsetRequest> = async (
  { header: { consumerGroup, topic: name, queueId, setZeroIfNotFound } },
  context
) => {
  const topic = await findTopic(context, name)
  const queue = topic?.queues[queueId]
  if (topic === undefined || queue === undefined) return notFound('the queue does not exist')
  const place = { topicId: topic.id, queue: queueId }
  const [row] = await context.groups.offsets.fetch(toKafkaGroupName(consumerGroup), [place])
  if (row !== undefined) return { header: { offset: row.offset } }
  if (!setZeroIfNotFound)
    return notFound('Not found, do not set to zero, maybe this group boot first')
  const { logStartOffset, highWatermark } = await context.engine.ends(queue)
  if (logStartOffset === 0 && highWatermark > 0) return { header: { offset: 0 } }
  return notFound('Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first')
}

function notFound(remark: string) {
  return refuse(responseCodes.QUERY_NOT_FOUND, remark)
}
