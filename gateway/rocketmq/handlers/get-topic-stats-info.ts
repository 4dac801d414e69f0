/** GET_TOPIC_STATS_INFO (202): where each queue begins and ends, and when its last message came. */
import { mapLimited } from '../../broker/map-limited.ts'
import { type Handler, refuse } from '../context.ts'
import type { getTopicStatsInfoRequest } from '../headers/get-topic-stats-info.ts'
import { findTopic } from '../known-topics.ts'
import { lookUpsAtOnceMax, storeTimeAt } from '../queue-times.ts'
import { responseCodes } from '../response-codes.ts'
import { appendCounters, countedBy, perSecond } from '../traffic-figures.ts'

export const getTopicStatsInfo: Handler<typeof getTopicStatsInfoRequest> = async (
  { header: { topic: name } },
  context
) => {
  const topic = await findTopic(context, name)
  if (topic === undefined) {
    return refuse(responseCodes.TOPIC_NOT_EXIST, `topic[${name}] not exist`)
  }
  const { engine, traffic, clock, brokerName } = context
  const queues = topic.queues.slice(0, Math.max(topic.readQueues, topic.writeQueues))
  const ends = await engine.endsOf(queues)
  const numbers = queues.map((_, queueId) => queueId)
  const offsetTable = await mapLimited(numbers, lookUpsAtOnceMax, async (queueId) => {
    const minOffset = ends[queueId]?.logStartOffset ?? 0
    const maxOffset = ends[queueId]?.lastStableOffset ?? 0
    const last = await storeTimeAt(queues[queueId] as number, maxOffset - 1, context)
    const mq = { topic: name, brokerName, queueId }
    return [mq, { minOffset, maxOffset, lastUpdateTimestamp: last ?? 0 }] as const
  })
  const counters = appendCounters(queues, traffic)
  const topicPutTps = perSecond(countedBy(counters, 'minute', clock.monotonicMs()), 'records')
  return { body: { offsetTable, topicPutTps } }
}
