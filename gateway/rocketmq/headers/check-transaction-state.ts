import { bigLong, bytes, header, long, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** To a client, one-way; it answers with END_TRANSACTION. */
export const checkTransactionStateRequest = request(requestCodes.CHECK_TRANSACTION_STATE, {
  header: header(
    {
      topic: optional(text),
      tranStateTableOffset: long,
      commitLogOffset: bigLong,
      msgId: optional(text),
      transactionId: optional(text),
      offsetMsgId: optional(text),
      brokerName: optional(text)
    },
    { brokerName: 'bname' }
  ),
  /** The half message as stored, with its real topic. */
  body: bytes
})
