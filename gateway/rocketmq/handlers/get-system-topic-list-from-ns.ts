/** GET_SYSTEM_TOPIC_LIST_FROM_NS (304): a name server knows clusters and brokers so, and whom to ask for the rest. */
import type { Handler } from '../context.ts'
import type { getSystemTopicListFromNsRequest } from '../headers/get-system-topic-list-from-ns.ts'
import { advertisedBroker, endpointText } from '../this-broker.ts'

export const getSystemTopicListFromNs: Handler<typeof getSystemTopicListFromNsRequest> = (
  _,
  context
) => {
  const { clusterName, brokerName } = context
  const brokerAddr = endpointText(advertisedBroker(context))
  return { body: { topicList: [clusterName, brokerName], brokerAddr } }
}
