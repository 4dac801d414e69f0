import { topicStats } from '../bodies/statistics.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getTopicStatsInfoRequest = request(requestCodes.GET_TOPIC_STATS_INFO, {
  header: header({ topic: text }),
  responseBody: json(topicStats)
})
