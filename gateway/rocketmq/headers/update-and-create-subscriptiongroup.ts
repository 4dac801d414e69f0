import { subscriptionGroupConfig } from '../bodies/subscription-group.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const updateAndCreateSubscriptiongroupRequest = request(
  requestCodes.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
  {
    body: json(subscriptionGroupConfig)
  }
)
