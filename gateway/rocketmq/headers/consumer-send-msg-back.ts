import { bigLong, bool, defaulted, header, int, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const consumerSendMsgBackRequest = request(requestCodes.CONSUMER_SEND_MSG_BACK, {
  header: header(
    {
      /** Of the message in the log, as its record told it. */
      offset: bigLong,
      group: text,
      /** 0: the broker decides; below 0: to the dead-letter topic. */
      delayLevel: int,
      originMsgId: optional(text),
      originTopic: optional(text),
      unitMode: defaulted(bool, false),
      maxReconsumeTimes: optional(int),
      brokerName: optional(text)
    },
    { brokerName: 'bname' }
  )
})
