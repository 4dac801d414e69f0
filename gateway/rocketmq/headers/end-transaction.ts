import {
  bigLong,
  bool,
  defaulted,
  header,
  int,
  long,
  optional,
  request,
  text
} from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** The frame's remark may say why the local transaction failed. Sent one-way. */
export const endTransactionRequest = request(requestCodes.END_TRANSACTION, {
  header: header(
    {
      /** Go leaves it out. */
      topic: optional(text),
      producerGroup: text,
      /** The half message's offset in its queue, and its place in the log. */
      tranStateTableOffset: long,
      commitLogOffset: bigLong,
      /** 8 commit, 12 rollback, 0 unknown. */
      commitOrRollback: int,
      fromTransactionCheck: defaulted(bool, false),
      /** The message's UNIQ_KEY. */
      msgId: optional(text),
      transactionId: optional(text),
      brokerName: optional(text)
    },
    { brokerName: 'bname' }
  )
})
