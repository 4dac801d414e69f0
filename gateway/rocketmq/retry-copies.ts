/**
 * What becomes of a message that a consumer could not consume (AbstractSendMessageProcessor.consumerSendMsgBack): a
 * copy that comes again later, or one that does not. Properties are those that a real broker stores, but for WAIT,
 * which is never stored; they are in the order in which they came.
 */
import type { PackedRecord } from '../../storage/contract.ts'
import {
  delayLevelName,
  editedMessage,
  editProperties,
  encodeOffsetId,
  type MessageFault,
  physicalOffsetOf,
  propertiesBytesMax,
  realQueueName,
  realTopicName,
  recordOfMessage
} from '../broker/translate/index.ts'
import type { RequestContext } from './context.ts'
import { timerNames } from './delayed-messages.ts'
import { groupSettingsOf } from './group-settings.ts'
import type { PlacedMessage } from './message-at.ts'
import { storeHost } from './this-broker.ts'

/** Where a message was before it came to a retry topic: clients show it as the message's topic. */
export const retryTopicName = 'RETRY_TOPIC'
/** The offset id that the message had there. */
const originIdName = 'ORIGIN_MESSAGE_ID'

/** What the server's own properties take in the copy of a Kafka client's record, which is made to fit. */
const ownPropertiesBytes = 1024
/** MQVersion.V3_4_9: clients before it mean nothing by the number of times that they say. */
const versionWithTimes = 121

/** How often a group's messages come again: as its client says, otherwise as the group's settings do. */
export function reconsumeTimesMax(
  group: string,
  saidTimes: number | undefined,
  context: RequestContext
): number {
  const isSaid = saidTimes !== undefined && context.command.version >= versionWithTimes
  return isSaid ? saidTimes : groupSettingsOf(group, context).retryMaxTimes
}

/** A copy for the dead-letter topic. */
export function deadCopyOf(
  placed: PlacedMessage,
  context: RequestContext
): PackedRecord | MessageFault {
  return copyOf(placed, [[delayLevelName, '0']], context)
}

/** A copy that comes to a queue of the topic later. */
export function laterCopyOf(
  placed: PlacedMessage,
  delayLevel: number,
  target: { readonly topic: string; readonly queueId: number },
  context: RequestContext
): PackedRecord | MessageFault {
  const { topic, queueId } = target
  const replaced = [
    [delayLevelName, `${delayLevel}`],
    [realTopicName, topic],
    [realQueueName, `${queueId}`]
  ] as const
  return copyOf(placed, replaced, context, timerNames)
}

function copyOf(
  placed: PlacedMessage,
  replaced: readonly (readonly [name: string, value: string])[],
  context: RequestContext,
  dropped: readonly string[] = []
): PackedRecord | MessageFault {
  const { message, topic, queue } = placed
  const added: (readonly [string, string])[] = []
  if (message.property(retryTopicName) === undefined) {
    added.push([retryTopicName, topic.names.rocketmq])
  }
  if (!message.property(originIdName)?.trim()) {
    const id = encodeOffsetId(storeHost(context), physicalOffsetOf(queue, message.offset))
    added.push([originIdName, id])
  }
  added.push(...replaced)
  const present = message.isNative
    ? message.properties
    : message.carried(propertiesBytesMax - ownPropertiesBytes)
  const without = [...dropped, ...added.map(([name]) => name)]
  return recordOfMessage(
    editedMessage(message, {
      reconsumeTimes: message.reconsumeTimes + 1,
      preparedOffset: 0n,
      properties: editProperties(present, without, added)
    })
  )
}
