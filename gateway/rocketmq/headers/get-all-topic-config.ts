import { topicConfigTable } from '../bodies/topic-config.ts'
import { header, int, json, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** The fields are of clients newer than 5.3.3, which page; an answer without totalTopicNum is complete for them too. */
export const getAllTopicConfigRequest = request(requestCodes.GET_ALL_TOPIC_CONFIG, {
  header: header({
    topicSeq: optional(int),
    maxTopicNum: optional(int),
    dataVersion: optional(text)
  }),
  responseBody: json(topicConfigTable)
})
