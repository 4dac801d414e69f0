/** QUERY_TOPIC_CONSUME_BY_WHO (300): groups whose members subscribed to a topic, and those that have a place in it. */
import { groupNamesFromKafka } from '../../broker/names.ts'
import type { Handler } from '../context.ts'
import { mayBeGroup } from '../group-settings.ts'
import type { queryTopicConsumeByWhoRequest } from '../headers/query-topic-consume-by-who.ts'
import { findTopic } from '../known-topics.ts'

export const queryTopicConsumeByWho: Handler<typeof queryTopicConsumeByWhoRequest> = async (
  { header: { topic: name } },
  context
) => {
  const { engine, groups } = context
  const topic = await findTopic(context, name)
  if (topic === undefined) return { body: { groupList: [] } }
  const names = new Set<string>()
  for (const [group, live] of groups.ownership.entries()) {
    if (live.topics()?.has(topic.names.kafka)) names.add(group)
  }
  for (const { topicId, group } of await engine.scanState('committed-offset')) {
    if (topicId === topic.id) names.add(group)
  }
  const groupList = [...names]
    .map((group) => groupNamesFromKafka(group).rocketmq)
    .filter((group) => mayBeGroup(group))
  return { body: { groupList: groupList.sort() } }
}
