import { consumeStats } from '../bodies/statistics.ts'
import { header, json, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getConsumeStatsRequest = request(requestCodes.GET_CONSUME_STATS, {
  header: header({
    consumerGroup: text,
    /** Empty or absent: all of the group's. */
    topic: optional(text),
    /** Several, each with a semicolon behind it; of 5.x. */
    topicList: optional(text)
  }),
  responseBody: json(consumeStats)
})
