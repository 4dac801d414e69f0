import { bigLong, bytes, header, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const viewMessageByIdRequest = request(requestCodes.VIEW_MESSAGE_BY_ID, {
  header: header({
    /** In the log. */
    offset: bigLong,
    topic: optional(text)
  }),
  responseBody: bytes
})
