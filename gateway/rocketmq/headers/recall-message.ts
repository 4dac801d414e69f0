import { header, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const recallMessageRequest = request(requestCodes.RECALL_MESSAGE, {
  header: header({
    producerGroup: optional(text),
    topic: text,
    /** From the answer to the send. */
    recallHandle: text
  }),
  responseHeader: header({ msgId: text })
})
