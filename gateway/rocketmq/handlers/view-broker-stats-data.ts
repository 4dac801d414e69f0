/**
 * VIEW_BROKER_STATS_DATA (315): how much came over the last minute, hour and day. What has not been counted since the
 * server started does not exist, as with a real broker.
 */
import type { Topic } from '../../../storage/contract.ts'
import { toKafkaGroupName } from '../../broker/names.ts'
import type { RollingCounter, WindowName } from '../../broker/statistics/rolling-counter.ts'
import { type Handler, type RequestContext, refuse } from '../context.ts'
import type { viewBrokerStatsDataRequest } from '../headers/view-broker-stats-data.ts'
import { findTopic } from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'
import { type Amount, appendCounters, countedBy, perSecond } from '../traffic-figures.ts'

export const viewBrokerStatsData: Handler<typeof viewBrokerStatsDataRequest> = async (
  { header: { statsName, statsKey } },
  context
) => {
  const amount = statsName.endsWith('_SIZE') ? 'bytes' : 'records'
  const counters = await countersOf(statsName.replace(/_(NUMS|SIZE)$/, ''), statsKey, context)
  if (counters.length === 0) {
    const remark = `The stats <${statsName}> <${statsKey}> not exist`
    return refuse(responseCodes.SYSTEM_ERROR, remark)
  }
  const nowMs = context.clock.monotonicMs()
  const told = (window: WindowName) => statsItem(counters, window, amount, nowMs)
  return {
    body: { statsMinute: told('minute'), statsHour: told('hour'), statsDay: told('day') }
  }
}

function statsItem(
  counters: readonly RollingCounter[],
  window: WindowName,
  amount: Amount,
  nowMs: number
) {
  const counted = countedBy(counters, window, nowMs)
  const sum = counted[amount]
  return {
    sum,
    tps: perSecond(counted, amount),
    avgpt: counted.times === 0 ? 0 : sum / counted.times
  }
}

/** By RocketMQ's names (class Stats) without what is counted; keys are topics, or TOPIC@GROUP. */
async function countersOf(
  name: string,
  key: string,
  context: RequestContext
): Promise<readonly RollingCounter[]> {
  const { traffic, clusterName } = context
  switch (name) {
    case 'BROKER_PUT':
      return key === clusterName ? [traffic.appends] : []
    case 'BROKER_GET':
      return key === clusterName ? [traffic.reads] : []
    case 'TOPIC_PUT':
      return await ofTopic(key, context, ({ queues }) => appendCounters(queues, traffic))
    case 'QUEUE_PUT':
      return await ofTopic(key, context, ({ queues }, queueId) =>
        appendCounters(queues.slice(Number(queueId), Number(queueId) + 1), traffic)
      )
    case 'GROUP_GET':
      return await ofTopic(key, context, ({ id }, group) => {
        const given = traffic.givenTo(toKafkaGroupName(group), id)
        return given === undefined ? [] : [given.counter]
      })
    case 'SNDBCK_PUT':
      return await ofTopic(key, context, ({ id }, group) => {
        const sentBack = traffic.sentBackBy(toKafkaGroupName(group), id)
        return sentBack === undefined ? [] : [sentBack]
      })
    default:
      return []
  }
}

async function ofTopic(
  key: string,
  context: RequestContext,
  counters: (topic: Topic, rest: string) => readonly RollingCounter[]
): Promise<readonly RollingCounter[]> {
  const [name = '', rest = ''] = key.split('@')
  const topic = await findTopic(context, name)
  return topic === undefined ? [] : counters(topic, rest)
}
