import { bool, defaulted, header, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** `removeOffset`: what 4.9 calls cleanOffset. */
export const deleteSubscriptiongroupRequest = request(requestCodes.DELETE_SUBSCRIPTIONGROUP, {
  header: header({
    groupName: text,
    cleanOffset: defaulted(bool, false),
    removeOffset: defaulted(bool, false)
  })
})
