/** Topics as RocketMQ's clients name them: found, made on demand, and those with a meaning of their own. */
import type { Topic } from '../../storage/contract.ts'
import { rocketmqTopicNameFault, topicNamesFromRocketmq } from '../broker/names.ts'
import { TopicError } from '../broker/topic-errors.ts'
import type { RocketmqServices } from './context.ts'
import { checkedTooOftenTopic, halfTopic } from './transactions/half-message.ts'

type Services = Pick<RocketmqServices, 'engine' | 'topics' | 'clusterName'>

/** What producers ask for where their own topic has no route, to make it by sending (TopicValidator). */
export const autoCreateTopic = 'TBW102'
/** Its queues: no topic that is made by sending gets more. */
export const autoCreateQueuesMax = 8
export const retryPrefix = '%RETRY%'
/** Where clients send what they trace of their messages, unless they were told another topic. */
export const traceTopic = 'RMQ_SYS_TRACE_TOPIC'
/** Queues of the topic of replies. */
export const replyQueueCount = 1

/** Where replies to requests are sent: clients make the name from the request's property CLUSTER. */
export function replyTopicOf({ clusterName }: Pick<RocketmqServices, 'clusterName'>): string {
  return `${clusterName}_REPLY_TOPIC`
}

/** Topics that RocketMQ's clients use among themselves: system topics, which Kafka's clients do not see. */
export function isOwnTopic(name: string, services: Pick<RocketmqServices, 'clusterName'>): boolean {
  return name === traceTopic || name === checkedTooOftenTopic || name === replyTopicOf(services)
}

/** Nobody sends to them (TopicValidator.NOT_ALLOWED_SEND_TOPIC_SET, and the one that stands for all new topics). */
const closedTopics: ReadonlySet<string> = new Set([
  autoCreateTopic,
  'SCHEDULE_TOPIC_XXXX',
  halfTopic,
  'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  checkedTooOftenTopic,
  'SELF_TEST_TOPIC',
  'OFFSET_MOVED_EVENT'
])

export function isClosedTopic(name: string): boolean {
  return closedTopics.has(name)
}

/** Whether RocketMQ's clients may know of the topic. */
export function isVisible(topic: Topic, services: Pick<RocketmqServices, 'clusterName'>): boolean {
  return !topic.system || isOwnTopic(topic.names.rocketmq, services)
}

/** Changes that were answered are seen without settling: TopicService waits until they are durable. */
export async function findTopic(services: Services, name: string): Promise<Topic | undefined> {
  const topic = await services.engine.findTopic({ rocketmqName: name })
  return topic !== undefined && isVisible(topic, services) ? topic : undefined
}

/**
 * The topic, made if need be; undefined where what the server keeps for itself is called so. `queueCount` may be 0: then
 * no client finds a queue in it. Throws TopicError.
 */
export async function ensureTopic(
  services: Services,
  name: string,
  queueCount: number
): Promise<Topic | undefined> {
  const known = await findTopic(services, name)
  if (known !== undefined) return known
  const fault = topicNameFault(name)
  if (fault !== undefined) throw new TopicError('name-invalid', name, fault)
  try {
    return await services.topics.create({
      names: topicNamesFromRocketmq(name),
      queueCount: Math.max(queueCount, 1),
      readQueues: queueCount,
      writeQueues: queueCount,
      system: isOwnTopic(name, services)
    })
  } catch (error) {
    if (!(error instanceof TopicError) || error.code !== 'topic-exists') throw error
    return findTopic(services, name)
  }
}

/** Why no topic may be called so, in RocketMQ's words; undefined if one may. */
export function topicNameFault(name: string): string | undefined {
  switch (rocketmqTopicNameFault(name)) {
    case undefined:
      return undefined
    case 'empty':
      return 'The specified topic is blank.'
    case 'too-long':
      return 'The specified topic is longer than topic max length.'
    default:
      return 'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$'
  }
}
