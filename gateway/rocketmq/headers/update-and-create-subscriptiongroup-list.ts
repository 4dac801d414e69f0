import { subscriptionGroupConfig } from '../bodies/subscription-group.ts'
import { json, list, request, struct } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const updateAndCreateSubscriptiongroupListRequest = request(
  requestCodes.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
  {
    body: json(struct({ groupConfigList: list(subscriptionGroupConfig) }))
  }
)
