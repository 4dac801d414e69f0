import { subscriptionGroupConfig } from '../bodies/subscription-group.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getSubscriptiongroupConfigRequest = request(
  requestCodes.GET_SUBSCRIPTIONGROUP_CONFIG,
  {
    header: header({ group: text }),
    responseBody: json(subscriptionGroupConfig)
  }
)
