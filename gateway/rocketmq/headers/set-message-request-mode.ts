import { defaulted, int, json, request, struct, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const setMessageRequestModeRequest = request(requestCodes.SET_MESSAGE_REQUEST_MODE, {
  body: json(
    struct({
      topic: text,
      consumerGroup: text,
      /** PULL or POP. */
      mode: text,
      popShareQueueNum: defaulted(int, 0)
    })
  )
})
