/** GET_BROKER_CONSUME_STATS (317): every group's lag, by topic and queue; of ordered topics alone if asked so. */
import {
  type ConsumeStats,
  isSubscribed,
  progressIn,
  topicsWithPlace
} from '../consume-progress.ts'
import { type Handler, refuse } from '../context.ts'
import { mayBeGroup } from '../group-settings.ts'
import type { getBrokerConsumeStatsRequest } from '../headers/get-broker-consume-stats.ts'
import { responseCodes } from '../response-codes.ts'
import { advertisedBroker, endpointText } from '../this-broker.ts'
import { topicSettingsOf } from '../topic-settings.ts'

/** What one answer may hold: some 150 bytes each, well within a frame. */
const queuesToldMax = 50_000

export const getBrokerConsumeStats: Handler<typeof getBrokerConsumeStatsRequest> = async (
  { header: { isOrder } },
  context
) => {
  const consumeStatsList: Map<string, ConsumeStats[]>[] = []
  const total = { diff: 0, inflight: 0, queues: 0 }
  for (const [kafkaName, { row }] of [...context.groups.stored.entries()]) {
    const group = row.names.rocketmq
    if (!mayBeGroup(group)) continue
    const told: ConsumeStats[] = []
    for (const topic of await topicsWithPlace(kafkaName, context)) {
      if (!isSubscribed(topic, group, context)) continue
      if (isOrder && !topicSettingsOf(topic).order) continue
      total.queues += topic.writeQueues
      if (total.queues > queuesToldMax) {
        const remark = `groups have places in more than ${queuesToldMax} queues: ask for each group`
        return refuse(responseCodes.SYSTEM_ERROR, remark)
      }
      const progress = await progressIn(topic, topic.writeQueues, kafkaName, context)
      for (const [, { brokerOffset, consumerOffset, pullOffset = 0 }] of progress.offsetTable) {
        total.diff += brokerOffset - consumerOffset
        total.inflight += pullOffset - consumerOffset
      }
      told.push(progress)
    }
    consumeStatsList.push(new Map([[group, told]]))
  }
  return {
    body: {
      brokerAddr: endpointText(advertisedBroker(context)),
      consumeStatsList,
      totalDiff: total.diff,
      totalInflightDiff: total.inflight
    }
  }
}
