import { header, int, long, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const updateConsumerOffsetRequest = request(requestCodes.UPDATE_CONSUMER_OFFSET, {
  header: header({
    consumerGroup: text,
    topic: text,
    queueId: int,
    /** The next message to consume. */
    commitOffset: long
  })
})
