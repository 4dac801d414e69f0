import { header, int, long, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getMinOffsetRequest = request(requestCodes.GET_MIN_OFFSET, {
  header: header({ topic: text, queueId: int }),
  responseHeader: header({ offset: long })
})
