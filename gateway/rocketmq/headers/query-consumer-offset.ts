import { bool, defaulted, header, int, long, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const queryConsumerOffsetRequest = request(requestCodes.QUERY_CONSUMER_OFFSET, {
  header: header({
    consumerGroup: text,
    topic: text,
    queueId: int,
    /** False (of 5.x): a group without an offset is answered QUERY_NOT_FOUND, whatever the queue holds. */
    setZeroIfNotFound: defaulted(bool, true)
  }),
  responseHeader: header({ offset: long })
})
