import { subscriptionData } from '../bodies/heartbeat.ts'
import { json, optional, request, struct, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** Whether a filter that is no tag can be evaluated: asked by Java consumers before they start. */
export const checkClientConfigRequest = request(requestCodes.CHECK_CLIENT_CONFIG, {
  body: json(
    struct({
      clientId: text,
      group: text,
      namespace: optional(text),
      subscriptionData
    })
  )
})
