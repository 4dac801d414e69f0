import { queueOffsets } from '../bodies/offsets.ts'
import { header, json, optional, request, struct, table, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const invokeBrokerToGetConsumerStatusRequest = request(
  requestCodes.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
  {
    header: header({
      topic: text,
      group: text,
      /** Of one client only: its id, in spite of the name. */
      clientAddr: optional(text)
    }),
    responseBody: json(
      struct({
        /** By client id. */
        consumerTable: table(queueOffsets),
        messageQueueTable: queueOffsets
      })
    )
  }
)
