/** How far a group is in a topic's queues, for tools: whichever protocol's clients the group has. */
import type { Topic, TopicId } from '../../storage/contract.ts'
import { mapLimited } from '../broker/map-limited.ts'
import { isReachableFromRocketmq } from '../broker/names.ts'
import type { consumeStats } from './bodies/statistics.ts'
import type { Written } from './codec/index.ts'
import type { RequestContext } from './context.ts'
import { lookUpsAtOnceMax, storeTimeAt } from './queue-times.ts'
import { perSecond } from './traffic-figures.ts'

export type ConsumeStats = Written<typeof consumeStats>

/** `group` by its Kafka name. A queue in which it has no place counts as unread. */
export async function progressIn(
  topic: Topic,
  queueCount: number,
  group: string,
  context: RequestContext
): Promise<ConsumeStats> {
  const queues = topic.queues.slice(0, queueCount)
  const keys = queues.map((_, queue) => ({ topicId: topic.id, queue }))
  const [ends, rows] = await Promise.all([
    context.engine.endsOf(queues),
    context.groups.offsets.fetch(group, keys)
  ])
  const given = context.traffic.givenTo(group, topic.id)
  const offsetTable = await mapLimited(keys, lookUpsAtOnceMax, async ({ queue: queueId }) => {
    const consumerOffset = Math.max(rows[queueId]?.offset ?? 0, 0)
    const uid = queues[queueId] as number
    const progress = {
      brokerOffset: ends[queueId]?.lastStableOffset ?? 0,
      consumerOffset,
      pullOffset: Math.max(given?.places.get(queueId) ?? 0, consumerOffset),
      lastTimestamp: (await storeTimeAt(uid, consumerOffset - 1, context)) ?? 0
    }
    const mq = { topic: topic.names.rocketmq, brokerName: context.brokerName, queueId }
    return [mq, progress] as const
  })
  const nowMs = context.clock.monotonicMs()
  const counted = given?.counter.over('minute', nowMs)
  const consumeTps = counted === undefined ? 0 : perSecond(counted, 'records')
  return { offsetTable, consumeTps }
}

/** Topics in which the group (by its Kafka name) has a place, and which RocketMQ's clients can name. */
export async function topicsWithPlace(
  group: string,
  { engine, groups }: Pick<RequestContext, 'engine' | 'groups'>
): Promise<Topic[]> {
  const rows = await groups.offsets.fetchAll(group)
  const ids = new Set<TopicId>(rows.map(({ topicId }) => topicId))
  const topics: Topic[] = []
  for (const id of ids) {
    const topic = await engine.findTopic({ id })
    if (topic !== undefined && isReachableFromRocketmq(topic.names)) topics.push(topic)
  }
  return topics.sort((a, b) => (a.names.rocketmq < b.names.rocketmq ? -1 : 1))
}

/**
 * Whether a group that has members still reads the topic, as a real broker judges: what its members no longer subscribe
 * to is left out. `group` by its RocketMQ name.
 */
export function isSubscribed(
  topic: Topic,
  group: string,
  { clients }: Pick<RequestContext, 'clients'>
): boolean {
  const live = clients.consumerGroup(group)
  if (live === undefined || [...live.subscriptions].length === 0) return true
  return live.subscription(topic.names.rocketmq) !== undefined
}
