import { topicList } from '../bodies/topic-list.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const queryTopicsByConsumerRequest = request(requestCodes.QUERY_TOPICS_BY_CONSUMER, {
  header: header({ group: text }),
  responseBody: json(topicList)
})
