/** QUERY_SUBSCRIPTION_BY_CONSUMER (345): what a group with members wants of a topic; left out where that is nothing. */
import type { Handler } from '../context.ts'
import type { querySubscriptionByConsumerRequest } from '../headers/query-subscription-by-consumer.ts'
import { subscriptionDataOf } from '../subscription-data.ts'

export const querySubscriptionByConsumer: Handler<typeof querySubscriptionByConsumerRequest> = (
  { header: { group, topic } },
  { clients }
) => {
  const subscription = clients.consumerGroup(group)?.subscription(topic)
  const subscriptionData = subscription && subscriptionDataOf(subscription)
  return { body: { group, topic, subscriptionData } }
}
