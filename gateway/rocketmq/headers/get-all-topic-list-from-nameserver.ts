import { topicList } from '../bodies/topic-list.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getAllTopicListFromNameserverRequest = request(
  requestCodes.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
  {
    responseBody: json(topicList)
  }
)
