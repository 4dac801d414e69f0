/** GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206): every topic whose name RocketMQ's clients can say. */
import { isReachableFromRocketmq } from '../../broker/names.ts'
import type { Handler } from '../context.ts'
import type { getAllTopicListFromNameserverRequest } from '../headers/get-all-topic-list-from-nameserver.ts'

export const getAllTopicListFromNameserver: Handler<
  typeof getAllTopicListFromNameserverRequest
> = async (_, { topics }) => {
  const all = await topics.list()
  const topicList = all
    .filter(({ names }) => isReachableFromRocketmq(names))
    .map(({ names }) => names.rocketmq)
  return { body: { topicList } }
}
