import { topicList } from '../bodies/topic-list.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getSystemTopicListFromBrokerRequest = request(
  requestCodes.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
  {
    responseBody: json(topicList)
  }
)
