/**
 * CONSUMER_SEND_MSG_BACK (36): a consumer could not consume a message. It comes again to the group's retry topic, each
 * time after longer, or goes to its dead-letter topic: if it came often enough, or the consumer gives it up.
 */
import type { Topic } from '../../../storage/contract.ts'
import { toKafkaGroupName } from '../../broker/names.ts'
import { isMessageFault } from '../../broker/translate/index.ts'
import { type Handler, type Refused, type RequestContext, refuse } from '../context.ts'
import { delayLevelOf, delayMsOf } from '../delay-levels.ts'
import { ensureGroup, furtherDetails, groupSettingsOf, mayBeGroup } from '../group-settings.ts'
import type { consumerSendMsgBackRequest } from '../headers/consumer-send-msg-back.ts'
import { findTopic, isVisible, retryPrefix } from '../known-topics.ts'
import { messageAt, type PlacedMessage } from '../message-at.ts'
import { refusalOfGroup } from '../other-protocol.ts'
import { responseCodes } from '../response-codes.ts'
import { deadCopyOf, laterCopyOf, reconsumeTimesMax, retryTopicName } from '../retry-copies.ts'
import { deadLetterPrefix, ensureDeadLetterTopic, ensureRetryTopic } from '../retry-topics.ts'
import { writePerm } from '../topic-settings.ts'

/** A message waits 10 s before it comes for the second time. */
const firstDelayLevel = 3

export const consumerSendMsgBack: Handler<typeof consumerSendMsgBackRequest> = async (
  { header },
  context
) => {
  const { group, offset, delayLevel, maxReconsumeTimes } = header
  if (!mayBeGroup(group)) {
    const remark = `subscription group not exist, ${group} ${furtherDetails}`
    return refuse(responseCodes.SUBSCRIPTION_GROUP_NOT_EXIST, remark)
  }
  const refused = refusalOfGroup(group, context)
  if (refused !== undefined) return refused
  await ensureGroup(group, context)
  // A group without retry queues wants nothing again.
  const { retryQueueNums } = groupSettingsOf(group, context)
  if (retryQueueNums <= 0) return {}
  const retryTopic = await ensureRetryTopic(group, context)
  if (retryTopic === undefined) return noTopic(retryPrefix + group)
  if ((retryTopic.perm & writePerm) === 0) {
    const remark = `the topic[${retryPrefix}${group}] sending message is forbidden`
    return refuse(responseCodes.NO_PERMISSION, remark)
  }
  const placed = await messageAt(offset, context)
  if (placed === undefined || !isVisible(placed.topic, context)) {
    return refuse(responseCodes.SYSTEM_ERROR, `look message by offset failed, ${offset}`)
  }
  const { reconsumeTimes } = placed.message
  const timesMax = reconsumeTimesMax(group, maxReconsumeTimes, context)
  const isGivenUp = reconsumeTimes >= timesMax || delayLevel < 0
  const level = delayLevelOf(delayLevel === 0 ? firstDelayLevel + reconsumeTimes : delayLevel)
  const queueId = context.random.uuid().readUInt32BE(0) % retryQueueNums
  const failure = isGivenUp
    ? await giveUp(placed, group, context)
    : await comeAgain(placed, retryTopic, queueId, level, context)
  if (failure !== undefined) return failure
  await count(placed, group, context)
  return {}
}

async function giveUp(
  placed: PlacedMessage,
  group: string,
  context: RequestContext
): Promise<Refused | undefined> {
  const topic = await ensureDeadLetterTopic(group, context)
  const queue = topic?.queues[0]
  if (queue === undefined) return noTopic(deadLetterPrefix + group)
  const record = deadCopyOf(placed, context)
  if (isMessageFault(record)) return tooLong(record.text)
  await context.engine.commit({ appends: [{ queue, records: [record], origin: 'rocketmq' }] })
  return undefined
}

async function comeAgain(
  placed: PlacedMessage,
  topic: Topic,
  queueId: number,
  level: number,
  context: RequestContext
): Promise<Refused | undefined> {
  const target = { topic: topic.names.rocketmq, queueId }
  const record = laterCopyOf(placed, level, target, context)
  if (isMessageFault(record)) return tooLong(record.text)
  await context.timers.add({
    kind: 'delayed',
    // Its keys find it where it comes to.
    record: { ...record, keys: [] },
    due: { afterMs: delayMsOf(level) },
    target: { topicId: topic.id, queue: queueId }
  })
  return undefined
}

/** What came again is counted for the topic where it was first. */
async function count(
  { message, topic }: PlacedMessage,
  group: string,
  context: RequestContext
): Promise<void> {
  const first = message.property(retryTopicName)
  const counted = first === undefined ? topic : await findTopic(context, first)
  if (counted !== undefined) context.traffic.sentBack(toKafkaGroupName(group), counted.id)
}

function noTopic(name: string): Refused {
  return refuse(responseCodes.SYSTEM_ERROR, `topic[${name}] not exist`)
}

/** The properties have no room for the server's. The consumer then keeps the message. */
function tooLong(why: string): Refused {
  return refuse(responseCodes.SYSTEM_ERROR, `PROPERTIES_SIZE_EXCEEDED: ${why}`)
}
