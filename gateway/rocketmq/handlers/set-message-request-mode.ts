/** SET_MESSAGE_REQUEST_MODE (401): how a group's members get a topic's messages. Only PULL, which is how it is. */
import { type Handler, refuse } from '../context.ts'
import type { setMessageRequestModeRequest } from '../headers/set-message-request-mode.ts'
import { retryPrefix } from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'

export const setMessageRequestMode: Handler<typeof setMessageRequestModeRequest> = ({
  body: { topic, mode }
}) => {
  if (topic.startsWith(retryPrefix)) {
    return refuse(responseCodes.NO_PERMISSION, 'retry topic is not allowed to set mode')
  }
  if (mode !== 'PULL') {
    return refuse(responseCodes.REQUEST_CODE_NOT_SUPPORTED, `mode ${mode}: there is PULL only`)
  }
  return {}
}
