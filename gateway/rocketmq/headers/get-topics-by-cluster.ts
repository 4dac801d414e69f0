import { topicList } from '../bodies/topic-list.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getTopicsByClusterRequest = request(requestCodes.GET_TOPICS_BY_CLUSTER, {
  header: header({ cluster: text }),
  responseBody: json(topicList)
})
