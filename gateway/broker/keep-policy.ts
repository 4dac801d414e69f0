/** What a topic's settings mean for how long its records are kept. */
import { type KeepPolicy, type KeepPolicyOf, keepForever, type Topic } from '../../storage/index.ts'
import type { ConfigService } from './configs.ts'
import { listMembers } from './setting-values.ts'
import { isTimerTopic } from './timers/index.ts'

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
  // Without `delete` nothing goes for its age, and without any policy neither (KIP-1030 lets the list be empty).
  if (!listMembers(configs.topicValue(topic, 'cleanup.policy')).includes('delete'))
    return keepForever
  return {
    ...keepForever,
    retentionMs: limitOf(configs.topicValue(topic, 'retention.ms')),
    retentionBytes: limitOf(configs.topicValue(topic, 'retention.bytes'))
  }
}

/** Negative, or more than can be counted: no limit. */
function limitOf(text: string): number {
  const limit = Number(text)
  return limit >= 0 && Number.isSafeInteger(limit) ? limit : Number.POSITIVE_INFINITY
}
