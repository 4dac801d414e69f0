/**
 * GET_ROUTEINFO_BY_TOPIC (105). Every topic is on the one broker. Where topics are made by sending, TBW102 has a route
 * too: producers take it for that of a topic that does not exist, and send.
 */
import { toKafkaGroupName } from '../../broker/names.ts'
import { type Handler, type RequestContext, refuse } from '../context.ts'
import { mayBeGroup } from '../group-settings.ts'
import type { getRouteinfoByTopicRequest } from '../headers/get-routeinfo-by-topic.ts'
import {
  autoCreateTopic,
  findTopic,
  replyQueueCount,
  replyTopicOf,
  retryPrefix
} from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'
import { advertisedBroker, endpointText, masterId } from '../this-broker.ts'
import {
  autoCreateSettings,
  readPerm,
  type TopicSettings,
  topicSettingsOf,
  writePerm
} from '../topic-settings.ts'

/** The topic of replies is there from the first reply on; those who send it must find it before. */
const replyQueues: Queues = {
  readQueueNums: replyQueueCount,
  writeQueueNums: replyQueueCount,
  perm: readPerm | writePerm,
  topicSysFlag: 0
}

type Queues = Pick<TopicSettings, 'readQueueNums' | 'writeQueueNums' | 'perm' | 'topicSysFlag'>

export const getRouteinfoByTopic: Handler<typeof getRouteinfoByTopicRequest> = async (
  { header: { topic } },
  context
) => {
  const queues = await queuesOf(topic, context)
  if (queues === undefined) {
    const remark = `No topic route info in name server for the topic: ${topic}`
    return refuse(responseCodes.TOPIC_NOT_EXIST, remark)
  }
  const { clusterName: cluster, brokerName } = context
  const brokerAddrs = new Map([[masterId, endpointText(advertisedBroker(context))]])
  const { readQueueNums, writeQueueNums, perm, topicSysFlag } = queues
  return {
    body: {
      brokerDatas: [{ cluster, brokerName, brokerAddrs, enableActingMaster: false }],
      filterServerTable: new Map(),
      queueDatas: [
        {
          brokerName,
          readQueueNums,
          writeQueueNums,
          perm: context.routePerms.of(topic, perm),
          topicSysFlag
        }
      ]
    }
  }
}

async function queuesOf(topic: string, context: RequestContext): Promise<Queues | undefined> {
  if (topic === replyTopicOf(context)) return replyQueues
  if (topic === autoCreateTopic) {
    return context.topics.policy.autoCreate ? autoCreateSettings : undefined
  }
  const found = await findTopic(context, topic)
  return found === undefined ? ofGroup(topic, context) : topicSettingsOf(found)
}

/**
 * Tools find a group by its retry topic. One that Kafka's clients made has none, and only the broker's address is wanted
 * of its route.
 */
function ofGroup(topic: string, { groups }: RequestContext): Queues | undefined {
  if (!topic.startsWith(retryPrefix)) return undefined
  const group = topic.slice(retryPrefix.length)
  if (!mayBeGroup(group)) return undefined
  if (!groups.stored.has(toKafkaGroupName(group))) return undefined
  // Nothing can be sent to what does not exist.
  const queues = { readQueueNums: retryQueueCount, writeQueueNums: retryQueueCount }
  return { ...queues, perm: readPerm, topicSysFlag: 0 }
}

/** SubscriptionGroupConfig.retryQueueNums by default. */
const retryQueueCount = 1
