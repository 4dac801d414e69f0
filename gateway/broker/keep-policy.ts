/** What a topic's settings mean for how long its records are kept. */
import {
  type CompactionPolicy,
  type KeepPolicy,
  type KeepPolicyOf,
  keepForever,
  type Topic
} from '../../storage/index.ts'
import type { ConfigService } from './configs.ts'
import { listMembers } from './setting-values.ts'
import { isTimerTopic } from './timers/index.ts'

/** Longer, some 35,000 years, is for ever. */
const spanMsMax = 2 ** 50

/** Worked out once for each Topic object: a change makes a new one. */
export function keepPolicies(configs: ConfigService): KeepPolicyOf {
  const known = new WeakMap<Topic, KeepPolicy>()
  return (topic) => {
    let policy = known.get(topic)
    if (policy === undefined) {
      policy = policyOf(topic, configs)
      known.set(topic, policy)
    }
    return policy
  }
}

function policyOf(topic: Topic, configs: ConfigService): KeepPolicy {
  if (isTimerTopic(topic)) return { ...keepForever, untilSettled: true }
  const policies = listMembers(configs.topicValue(topic, 'cleanup.policy'))
  const value = (name: string) => limitOf(configs.topicValue(topic, name))
  return {
    ...keepForever,
    // Without `delete` nothing goes for its age, and without any policy neither (KIP-1030 lets the list be empty).
    ...(policies.includes('delete')
      ? { retentionMs: value('retention.ms'), retentionBytes: value('retention.bytes') }
      : {}),
    compaction: policies.includes('compact') ? compactionOf(topic, configs) : undefined
  }
}

function compactionOf(topic: Topic, configs: ConfigService): CompactionPolicy {
  const span = (name: string) => {
    const ms = limitOf(configs.topicValue(topic, name))
    return ms > spanMsMax ? Number.POSITIVE_INFINITY : ms
  }
  const lagMsMax = span('max.compaction.lag.ms')
  return {
    tombstoneMs: span('delete.retention.ms'),
    lagMsMin: span('min.compaction.lag.ms'),
    lagMsMax,
    // As Kafka's LogConfig.maxSegmentMs: a segment that is that old is not written to any more.
    sealMs: Math.min(span('segment.ms'), lagMsMax),
    dirtyShareMin: Number(configs.topicValue(topic, 'min.cleanable.dirty.ratio'))
  }
}

/** Negative, or more than can be counted: no limit. */
function limitOf(text: string): number {
  const limit = Number(text)
  return limit >= 0 && Number.isSafeInteger(limit) ? limit : Number.POSITIVE_INFINITY
}
