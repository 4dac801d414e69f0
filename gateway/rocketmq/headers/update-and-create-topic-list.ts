import { topicConfig } from '../bodies/topic-config.ts'
import { json, list, request, struct } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const updateAndCreateTopicListRequest = request(requestCodes.UPDATE_AND_CREATE_TOPIC_LIST, {
  body: json(struct({ topicConfigList: list(topicConfig) }))
})
