/** GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206): every topic whose name RocketMQ's clients can say. */
import type { Handler } from '../context.ts'
import type { getAllTopicListFromNameserverRequest } from '../headers/get-all-topic-list-from-nameserver.ts'
import { listedTopicNames } from '../listed-topics.ts'

export const getAllTopicListFromNameserver: Handler<
  typeof getAllTopicListFromNameserverRequest
> = async (_, context) => ({ body: { topicList: await listedTopicNames(context) } })
