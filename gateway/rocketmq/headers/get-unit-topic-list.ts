import { topicList } from '../bodies/topic-list.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getUnitTopicListRequest = request(requestCodes.GET_UNIT_TOPIC_LIST, {
  responseBody: json(topicList)
})

export const getHasUnitSubTopicListRequest = request(requestCodes.GET_HAS_UNIT_SUB_TOPIC_LIST, {
  responseBody: json(topicList)
})

export const getHasUnitSubUnunitTopicListRequest = request(
  requestCodes.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST,
  { responseBody: json(topicList) }
)
