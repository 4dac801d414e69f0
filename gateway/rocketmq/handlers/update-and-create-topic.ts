/** UPDATE_AND_CREATE_TOPIC (17): makes a topic, or gives one other settings. Queues become more, never fewer. */
import { type Handler, refuse } from '../context.ts'
import type { updateAndCreateTopicRequest } from '../headers/update-and-create-topic.ts'
import { responseCodes } from '../response-codes.ts'
import { AttributeError, parseAttributeChanges } from '../topic-attributes.ts'
import { topicUpdated, updateTopic } from '../topic-settings.ts'

export const updateAndCreateTopic: Handler<typeof updateAndCreateTopicRequest> = async (
  { header: { topic: topicName, attributes = '', ...rest } },
  context
) => {
  const { readQueueNums, writeQueueNums, perm, topicFilterType, topicSysFlag, order } = rest
  const queues = { readQueueNums, writeQueueNums }
  const wanted = { topicName, ...queues, perm, topicFilterType, topicSysFlag, order }
  try {
    const changes = parseAttributeChanges(attributes)
    return (await updateTopic({ ...wanted, changes }, context)) ?? topicUpdated
  } catch (error) {
    if (!(error instanceof AttributeError)) throw error
    return refuse(responseCodes.SYSTEM_ERROR, error.message)
  }
}
