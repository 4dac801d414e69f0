/** UPDATE_CONSUMER_OFFSET (15): a group's place in a queue, the next message to consume. It may go back. */
import { type Handler, refuse } from '../context.ts'
import { commitPlace } from '../group-place.ts'
import { mayBeGroup } from '../group-settings.ts'
import type { updateConsumerOffsetRequest } from '../headers/update-consumer-offset.ts'
import { findTopic } from '../known-topics.ts'
import { refusalOfGroup } from '../other-protocol.ts'
import { responseCodes } from '../response-codes.ts'

export const updateConsumerOffset: Handler<typeof updateConsumerOffsetRequest> = async (
  { header: { consumerGroup, topic: name, queueId, commitOffset } },
  context
) => {
  if (!mayBeGroup(consumerGroup)) {
    const remark = `Group ${consumerGroup} not exist!`
    return refuse(responseCodes.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
  }
  const refusal = refusalOfGroup(consumerGroup, context)
  if (refusal !== undefined) return refusal
  const topic = await findTopic(context, name)
  if (topic === undefined) {
    return refuse(responseCodes.TOPIC_NOT_EXIST, `Topic ${name} not exist!`)
  }
  if (topic.queues[queueId] === undefined || commitOffset < 0) {
    const remark = `queueId[${queueId}] or offset[${commitOffset}] is illegal, topic:[${name}]`
    return refuse(responseCodes.INVALID_PARAMETER, remark)
  }
  if (context.resets.isPending({ group: consumerGroup, topicId: topic.id, queueId })) {
    return { remark: 'Offset has been previously reset' }
  }
  await commitPlace(consumerGroup, topic.id, queueId, commitOffset, context)
  return {}
}
