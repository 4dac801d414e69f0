import { subscriptionData } from '../bodies/heartbeat.ts'
import { header, json, optional, request, struct, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const querySubscriptionByConsumerRequest = request(
  requestCodes.QUERY_SUBSCRIPTION_BY_CONSUMER,
  {
    header: header({ group: text, topic: text }),
    responseBody: json(
      struct({ group: text, topic: text, subscriptionData: optional(subscriptionData) })
    )
  }
)
