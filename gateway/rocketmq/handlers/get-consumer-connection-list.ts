/**
 * GET_CONSUMER_CONNECTION_LIST (203): who is in a group, and what it subscribed to. Kafka's members are told as members
 * that pull, each by its member id and without a port.
 */
import { toKafkaGroupName, topicNamesFromKafka } from '../../broker/names.ts'
import type { consumerConnections } from '../bodies/connections.ts'
import type { ConsumerGroup } from '../clients/consumer-group.ts'
import type { Written } from '../codec/index.ts'
import { type Handler, type RequestContext, refuse } from '../context.ts'
import { tagExpressions } from '../filter/message-filter.ts'
import type { getConsumerConnectionListRequest } from '../headers/get-consumer-connection-list.ts'
import { responseCodes } from '../response-codes.ts'
import { subscriptionDataOf } from '../subscription-data.ts'

type Connections = Written<typeof consumerConnections>

export const getConsumerConnectionList: Handler<typeof getConsumerConnectionListRequest> = (
  { header: { consumerGroup } },
  context
) => {
  const group = context.clients.consumerGroup(consumerGroup)
  const body =
    group === undefined ? membersOfKafka(consumerGroup, context) : membersOfRocketmq(group)
  if (body !== undefined) return { body }
  const remark = `the consumer group[${consumerGroup}] not online`
  return refuse(responseCodes.CONSUMER_NOT_ONLINE, remark)
}

function membersOfRocketmq(group: ConsumerGroup): Connections {
  const { consumeType, messageModel, consumeFromWhere } = group
  return {
    connectionSet: [...group.members].map(({ clientId, connection }) => ({
      clientId,
      clientAddr: `${connection.host}:${connection.port}`,
      language: connection.language,
      version: connection.version
    })),
    subscriptionTable: new Map(
      [...group.subscriptions].map((one) => [one.topic, subscriptionDataOf(one)])
    ),
    consumeType,
    messageModel,
    consumeFromWhere
  }
}

/** Tools show it as HIGHER_VERSION: none of RocketMQ's. */
const noVersion = 32_767

function membersOfKafka(name: string, { groups }: RequestContext): Connections | undefined {
  const live = groups.ownership.find(toKafkaGroupName(name))
  if (live === undefined || live.protocol !== 'kafka') return undefined
  const subscriptions = [...(live.topics() ?? [])].map((kafkaName) => {
    const { rocketmq: topic } = topicNamesFromKafka(kafkaName)
    const all = { topic, text: '*', expressionType: tagExpressions, version: 0 }
    return [topic, subscriptionDataOf(all)] as const
  })
  return {
    connectionSet: live.members().map(({ id, address }) => {
      return { clientId: id, clientAddr: address, language: 'OTHER', version: noVersion }
    }),
    subscriptionTable: new Map(subscriptions),
    consumeType: 'CONSUME_ACTIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET'
  }
}
