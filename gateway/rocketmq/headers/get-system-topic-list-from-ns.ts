import { topicList } from '../bodies/topic-list.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getSystemTopicListFromNsRequest = request(requestCodes.GET_SYSTEM_TOPIC_LIST_FROM_NS, {
  responseBody: json(topicList)
})
