/** Which topics tools are told of, and by which names. */
import type { Topic } from '../../storage/contract.ts'
import { isReachableFromRocketmq } from '../broker/names.ts'
import type { RocketmqServices } from './context.ts'
import { mayBeGroup } from './group-settings.ts'
import { isOwnTopic, retryPrefix } from './known-topics.ts'

type Services = Pick<RocketmqServices, 'engine' | 'topics' | 'groups' | 'clusterName'>

/**
 * All that RocketMQ's clients can name, in order. Tools know a consumer group by its retry topic, so there is one of
 * every group: of those that Kafka's clients made too, which have none.
 */
export async function listedTopicNames(services: Services): Promise<string[]> {
  const names = new Set<string>()
  for (const topic of await services.engine.topics({ settled: true })) {
    if (isListed(topic, services)) names.add(topic.names.rocketmq)
  }
  for (const [, { row }] of services.groups.stored.entries()) {
    const group = row.names.rocketmq
    if (mayBeGroup(group)) names.add(retryPrefix + group)
  }
  return [...names].sort()
}

function isListed({ names, system }: Topic, services: Services): boolean {
  return isReachableFromRocketmq(names) && (!system || isOwnTopic(names.rocketmq, services))
}
