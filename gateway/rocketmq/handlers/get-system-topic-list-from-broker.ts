/** GET_SYSTEM_TOPIC_LIST_FROM_BROKER (305): names that tools do not show as users' topics. */
import type { Handler } from '../context.ts'
import type { getSystemTopicListFromBrokerRequest } from '../headers/get-system-topic-list-from-broker.ts'
import { systemTopicNames } from '../system-topics.ts'

export const getSystemTopicListFromBroker: Handler<typeof getSystemTopicListFromBrokerRequest> = (
  _,
  context
) => ({ body: { topicList: systemTopicNames(context) } })
