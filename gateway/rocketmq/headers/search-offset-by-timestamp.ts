import { clampedLong, defaulted, header, int, long, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const searchOffsetByTimestampRequest = request(requestCodes.SEARCH_OFFSET_BY_TIMESTAMP, {
  header: header({
    topic: text,
    queueId: int,
    timestamp: clampedLong,
    /** LOWER or UPPER, in any case; of 5.x. */
    boundaryType: defaulted(text, 'LOWER')
  }),
  responseHeader: header({ offset: long })
})
