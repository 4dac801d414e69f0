import { subscriptionGroupTable } from '../bodies/subscription-group.ts'
import { header, int, json, optional, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** The fields are of clients newer than 5.3.3, which page; an answer without totalGroupNum is complete for them too. */
export const getAllSubscriptiongroupConfigRequest = request(
  requestCodes.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  {
    header: header({
      groupSeq: optional(int),
      maxGroupNum: optional(int),
      dataVersion: optional(text)
    }),
    responseBody: json(subscriptionGroupTable)
  }
)
