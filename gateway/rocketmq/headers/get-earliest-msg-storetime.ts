import { header, int, long, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** -1 where the queue is empty. */
export const getEarliestMsgStoretimeRequest = request(requestCodes.GET_EARLIEST_MSG_STORETIME, {
  header: header({ topic: text, queueId: int }),
  responseHeader: header({ timestamp: long })
})
