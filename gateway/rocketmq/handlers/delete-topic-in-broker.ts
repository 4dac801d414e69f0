/** DELETE_TOPIC_IN_BROKER (215): the topic with its messages and all groups' places in it. One that is not there is gone. */
import { TopicError } from '../../broker/topic-errors.ts'
import { type Handler, refuse } from '../context.ts'
import type { deleteTopicInBrokerRequest } from '../headers/delete-topic-in-broker.ts'
import { findTopic } from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'
import { systemTopicFault } from '../system-topics.ts'

export const deleteTopicInBroker: Handler<typeof deleteTopicInBrokerRequest> = async (
  { header: { topic: name } },
  context
) => {
  const isBlank = name.trim() === ''
  const fault = isBlank ? 'The specified topic is blank.' : systemTopicFault(name, context)
  if (fault !== undefined) return refuse(responseCodes.INVALID_PARAMETER, fault)
  const topic = await findTopic(context, name)
  if (topic === undefined) return {}
  try {
    await context.topics.delete(topic.id)
  } catch (error) {
    if (!(error instanceof TopicError) || error.code !== 'topic-unknown') throw error
  }
  context.routePerms.forget(name)
  return {}
}
