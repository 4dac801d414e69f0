import { header, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** To a client, one-way: divide the queues anew. */
export const notifyConsumerIdsChangedRequest = request(requestCodes.NOTIFY_CONSUMER_IDS_CHANGED, {
  header: header({ consumerGroup: text })
})
