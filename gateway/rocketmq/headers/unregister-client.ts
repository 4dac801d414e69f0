import { header, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** Of Java clients that end in order: one for each group. Go never sends it. */
export const unregisterClientRequest = request(requestCodes.UNREGISTER_CLIENT, {
  header: header({
    clientID: text,
    producerGroup: optional(text),
    consumerGroup: optional(text)
  })
})
