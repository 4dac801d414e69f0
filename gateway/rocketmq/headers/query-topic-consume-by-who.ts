import { header, json, list, request, struct, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const queryTopicConsumeByWhoRequest = request(requestCodes.QUERY_TOPIC_CONSUME_BY_WHO, {
  header: header({ topic: text }),
  responseBody: json(struct({ groupList: list(text) }))
})
