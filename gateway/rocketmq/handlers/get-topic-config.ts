/** GET_TOPIC_CONFIG (351). Tools take TOPIC_NOT_EXIST for an answer and everything else for a failure. */
import { type Handler, refuse } from '../context.ts'
import type { getTopicConfigRequest } from '../headers/get-topic-config.ts'
import { autoCreateTopic, findTopic } from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'
import { autoCreateSettings, topicSettingsOf } from '../topic-settings.ts'

export const getTopicConfig: Handler<typeof getTopicConfigRequest> = async (
  { header: { topic: name } },
  context
) => {
  if (name === autoCreateTopic && context.topics.policy.autoCreate) {
    return { body: autoCreateSettings }
  }
  const topic = await findTopic(context, name)
  if (topic !== undefined) return { body: topicSettingsOf(topic) }
  return refuse(responseCodes.TOPIC_NOT_EXIST, `No topic in this broker. topic: ${name}`)
}
