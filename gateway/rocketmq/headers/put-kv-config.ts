import { header, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** The namespace ORDER_TOPIC_CONFIG holds the order of topics, by topic. */
export const putKvConfigRequest = request(requestCodes.PUT_KV_CONFIG, {
  header: header({ namespace: text, key: text, value: text })
})
