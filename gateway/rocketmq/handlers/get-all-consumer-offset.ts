/** GET_ALL_CONSUMER_OFFSET (43): every group's place in every queue, of topics and groups that RocketMQ can name. */
import type { Topic, TopicId } from '../../../storage/contract.ts'
import { groupNamesFromKafka, isReachableFromRocketmq } from '../../broker/names.ts'
import { type Handler, refuse } from '../context.ts'
import { mayBeGroup } from '../group-settings.ts'
import type { getAllConsumerOffsetRequest } from '../headers/get-all-consumer-offset.ts'
import { responseCodes } from '../response-codes.ts'

/** What one answer may hold, well within a frame. */
const placesToldMax = 100_000

export const getAllConsumerOffset: Handler<typeof getAllConsumerOffsetRequest> = async (
  _,
  { engine }
) => {
  const rows = await engine.scanState('committed-offset')
  if (rows.length > placesToldMax) {
    const remark = `there are ${rows.length} places, more than the ${placesToldMax} of one answer`
    return refuse(responseCodes.SYSTEM_ERROR, remark)
  }
  const topics = new Map<TopicId, Topic>()
  for (const topic of await engine.topics()) {
    if (isReachableFromRocketmq(topic.names)) topics.set(topic.id, topic)
  }
  const groupTopics = new Map<string, Set<string>>()
  const offsetTable = new Map<string, Map<string, number>>()
  let latestMs = 0
  for (const { group, topicId, queue, offset, commitTimeMs } of rows) {
    const topic = topics.get(topicId)
    const { rocketmq: groupName } = groupNamesFromKafka(group)
    if (topic === undefined || !mayBeGroup(groupName)) continue
    const name = topic.names.rocketmq
    groupTopics.set(groupName, (groupTopics.get(groupName) ?? new Set()).add(name))
    const key = `${name}@${groupName}`
    const places = offsetTable.get(key) ?? new Map<string, number>()
    offsetTable.set(key, places.set(`${queue}`, offset))
    latestMs = Math.max(latestMs, commitTimeMs)
  }
  const dataVersion = { counter: rows.length, stateVersion: 0, timestamp: latestMs }
  const groupTopicMap = new Map([...groupTopics].map(([group, names]) => [group, [...names]]))
  return { body: { offsetTable, groupTopicMap, dataVersion } }
}
