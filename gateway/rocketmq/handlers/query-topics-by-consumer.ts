/** QUERY_TOPICS_BY_CONSUMER (343): topics in which a group has a place. */
import { toKafkaGroupName } from '../../broker/names.ts'
import { topicsWithPlace } from '../consume-progress.ts'
import type { Handler } from '../context.ts'
import type { queryTopicsByConsumerRequest } from '../headers/query-topics-by-consumer.ts'
import { advertisedBroker, endpointText } from '../this-broker.ts'

export const queryTopicsByConsumer: Handler<typeof queryTopicsByConsumerRequest> = async (
  { header: { group } },
  context
) => {
  const topics = await topicsWithPlace(toKafkaGroupName(group), context)
  const brokerAddr = endpointText(advertisedBroker(context))
  return { body: { topicList: topics.map(({ names }) => names.rocketmq), brokerAddr } }
}
