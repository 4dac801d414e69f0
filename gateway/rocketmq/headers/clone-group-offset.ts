import { bool, defaulted, header, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const cloneGroupOffsetRequest = request(requestCodes.CLONE_GROUP_OFFSET, {
  header: header({
    srcGroup: text,
    destGroup: text,
    topic: optional(text),
    offline: defaulted(bool, false)
  })
})
