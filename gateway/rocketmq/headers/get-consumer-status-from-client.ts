import { queueOffsets } from '../bodies/offsets.ts'
import { header, json, request, struct, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** To a client. */
export const getConsumerStatusFromClientRequest = request(
  requestCodes.GET_CONSUMER_STATUS_FROM_CLIENT,
  {
    header: header({ topic: text, group: text }),
    responseBody: json(struct({ messageQueueTable: queueOffsets }))
  }
)
