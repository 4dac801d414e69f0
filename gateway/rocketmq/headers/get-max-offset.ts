import { bool, defaulted, header, int, long, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** The offset that the next message will get. */
export const getMaxOffsetRequest = request(requestCodes.GET_MAX_OFFSET, {
  header: header({ topic: text, queueId: int, committed: defaulted(bool, true) }),
  responseHeader: header({ offset: long })
})
