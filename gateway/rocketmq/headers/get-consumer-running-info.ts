import { bool, bytes, defaulted, header, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** From a tool, and on to the client that it names. */
export const getConsumerRunningInfoRequest = request(requestCodes.GET_CONSUMER_RUNNING_INFO, {
  header: header({
    consumerGroup: text,
    clientId: text,
    jstackEnable: defaulted(bool, false)
  }),
  /** JSON that only the asker reads. */
  responseBody: bytes
})
