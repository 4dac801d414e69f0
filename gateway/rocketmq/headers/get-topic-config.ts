import { topicConfig } from '../bodies/topic-config.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getTopicConfigRequest = request(requestCodes.GET_TOPIC_CONFIG, {
  header: header({ topic: text }),
  responseBody: json(topicConfig)
})
