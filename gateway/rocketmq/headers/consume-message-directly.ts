import { bytes, header, int, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** From a tool, and on to the client that it names. */
export const consumeMessageDirectlyRequest = request(requestCodes.CONSUME_MESSAGE_DIRECTLY, {
  header: header({
    consumerGroup: text,
    clientId: optional(text),
    msgId: optional(text),
    brokerName: optional(text),
    topic: optional(text),
    topicSysFlag: optional(int),
    groupSysFlag: optional(int)
  }),
  /** Empty from the tool; the stored message to the client. */
  body: bytes,
  /** JSON that only the asker reads. */
  responseBody: bytes
})
