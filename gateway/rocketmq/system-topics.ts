/** Names that no tool may give a topic, nor delete (TopicValidator, TopicConfigManager). */
import type { RocketmqServices } from './context.ts'

const systemTopics: ReadonlySet<string> = new Set([
  'TBW102',
  'SCHEDULE_TOPIC_XXXX',
  'BenchmarkTest',
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'RMQ_SYS_TRACE_TOPIC',
  'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  'TRANS_CHECK_MAX_TIME_TOPIC',
  'SELF_TEST_TOPIC',
  'OFFSET_MOVED_EVENT',
  'CHECKPOINT_TOPIC'
])
const systemPrefix = 'rmq_sys_'

/** Those that tools hide; there need not be such topics. */
export function systemTopicNames({
  clusterName,
  brokerName
}: Pick<RocketmqServices, 'clusterName' | 'brokerName'>): string[] {
  return [...systemTopics, clusterName, brokerName, `${clusterName}_REPLY_TOPIC`]
}

export function isSystemTopic(
  name: string,
  { clusterName, brokerName }: Pick<RocketmqServices, 'clusterName' | 'brokerName'>
): boolean {
  if (systemTopics.has(name) || name.startsWith(systemPrefix)) return true
  return name === clusterName || name === brokerName || name === `${clusterName}_REPLY_TOPIC`
}

/** Why a tool may not touch a topic of that name; undefined if it may. */
export function systemTopicFault(
  name: string,
  services: Pick<RocketmqServices, 'clusterName' | 'brokerName'>
): string | undefined {
  return isSystemTopic(name, services)
    ? `The topic[${name}] is conflict with system topic.`
    : undefined
}
