import { header, json, list, request, struct, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** All members of a group must be told the same ids, each once: every one of them divides the queues by this list. */
export const getConsumerListByGroupRequest = request(requestCodes.GET_CONSUMER_LIST_BY_GROUP, {
  header: header({ consumerGroup: text }),
  responseBody: json(struct({ consumerIdList: list(text) }))
})
