/**
 * QUERY_ASSIGNMENT (400): the queues that a member is to have, for 5.x consumers that leave the division to the broker.
 * All are pulled: there is no POP. Nothing in the answer: the client keeps what it has (QueryAssignmentProcessor).
 */
import { broadcasting } from '../clients/consumer-group.ts'
import type { Handler, RequestContext } from '../context.ts'
import { queuesOfMember } from '../divide-queues.ts'
import type { queryAssignmentRequest } from '../headers/query-assignment.ts'
import { findTopic } from '../known-topics.ts'
import { refusalOfGroup } from '../other-protocol.ts'
import { topicSettingsOf } from '../topic-settings.ts'

export const queryAssignment: Handler<typeof queryAssignmentRequest> = async (
  { body },
  context
) => {
  const refusal = refusalOfGroup(body.consumerGroup, context)
  if (refusal !== undefined) return refusal
  const { brokerName } = context
  const messageQueueAssignments = (await queueIdsOf(body, context))?.map((queueId) => ({
    messageQueue: { topic: body.topic, brokerName, queueId },
    mode: 'PULL'
  }))
  return { body: { messageQueueAssignments } }
}

interface Asker {
  readonly topic: string
  readonly consumerGroup: string
  readonly clientId: string
  readonly strategyName: string
  readonly messageModel: string
}

async function queueIdsOf(
  { topic, consumerGroup, clientId, strategyName, messageModel }: Asker,
  context: RequestContext
): Promise<number[] | undefined> {
  const found = await findTopic(context, topic)
  if (found === undefined) return undefined
  const { readQueueNums } = topicSettingsOf(found)
  if (messageModel === broadcasting) return Array.from({ length: readQueueNums }, (_, i) => i)
  const group = context.clients.consumerGroup(consumerGroup)
  if (group === undefined) return undefined
  return queuesOfMember(strategyName, readQueueNums, clientId, group.clientIds)
}
