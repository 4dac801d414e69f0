/**
 * SEND_MESSAGE (10), SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320). The answer says SUCCESS when the flush mode's
 * promise holds. A batch is one append: all of it or nothing.
 */
import type { Topic } from '../../../storage/contract.ts'
import {
  type BrokerMarks,
  decodeClientBatch,
  encodeOffsetId,
  isMessageFault,
  keysName,
  physicalOffsetOf,
  propertyOf,
  uniqueKeyName
} from '../../broker/translate/index.ts'
import type { Asked, Handler, Refused, RequestContext } from '../context.ts'
import { deadLetterOf } from '../dead-letters.ts'
import { type DelayedMessage, delayedMessage, isDelayed, sendDelayed } from '../delayed-messages.ts'
import type {
  sendBatchMessageRequest,
  sendMessageRequest,
  sendMessageV2Request
} from '../headers/send-message.ts'
import {
  autoCreateQueuesMax,
  autoCreateTopic,
  ensureTopic,
  findTopic,
  isClosedTopic,
  replyQueueCount,
  replyTopicOf,
  retryPrefix,
  topicNameFault
} from '../known-topics.ts'
import { responseCodes } from '../response-codes.ts'
import {
  type AcceptedMessage,
  acceptMessage,
  chooseQueue,
  isRefused,
  refuseSend,
  region,
  type SentMessage,
  sentHeader
} from '../sent-messages.ts'
import { storeHost } from '../this-broker.ts'
import { flagsInTopic, needsKeys } from '../topic-settings.ts'
import { isHalfMessage } from '../transactions/half-message.ts'
import { sendHalf } from '../transactions/send-half.ts'

type Sending = Asked<typeof sendMessageRequest>

export const sendMessage: Handler<typeof sendMessageRequest> = (asked, context) =>
  send(asked, asked.header.batch, context)

export const sendMessageV2: Handler<typeof sendMessageV2Request> = (asked, context) =>
  send(asked, asked.header.batch, context)

export const sendBatchMessage: Handler<typeof sendBatchMessageRequest> = (asked, context) =>
  send(asked, true, context)

async function send(asking: Sending, isBatch: boolean, context: RequestContext) {
  const named = await topicOf(asking, isBatch, context)
  if (isRefused(named)) return named
  const queueId = chooseQueue(named, asking.header.queueId, context)
  if (typeof queueId !== 'number') return queueId
  const dead = await deadLetterOf(asking.header, context)
  if (dead !== undefined && isRefused(dead)) return dead
  const topic = dead?.topic ?? named
  const asked = dead === undefined ? asking : withProperties(asking, dead.properties)
  const sent = sentMessages(asked, isBatch, topic, context)
  if (isRefused(sent)) return sent
  const isHalf = !isBatch && dead === undefined && sent.every(isHalfMessage)
  const delayed = isHalf ? undefined : laterOf(sent, isBatch, topic, queueId, context)
  if (delayed !== undefined && isRefused(delayed)) return delayed
  const accepted = acceptAll(delayed === undefined ? sent : [delayed.sent], context)
  if (isRefused(accepted)) return accepted
  const [first] = accepted
  if (isHalf && first !== undefined) {
    return sendHalf(first.message, first.uniqueKey, topic, queueId, context)
  }
  if (delayed !== undefined && first !== undefined) {
    return sendDelayed(delayed, first, topic, queueId, context)
  }
  const queue = topic.queues[dead === undefined ? queueId : 0] as number
  const records = accepted.map(({ record }) => record)
  const { appends } = await context.engine.commit({
    appends: [{ queue, records, origin: 'rocketmq' }]
  })
  const baseOffset = appends[0]?.baseOffset ?? 0
  const host = storeHost(context)
  const ids = accepted.map((_, i) => encodeOffsetId(host, physicalOffsetOf(queue, baseOffset + i)))
  const uniqueKey = isBatch
    ? propertyOf(Buffer.from(asked.header.properties), uniqueKeyName)
    : accepted[0]?.uniqueKey
  return {
    header: sentHeader({
      msgId: ids.join(','),
      queueId,
      queueOffset: baseOffset,
      transactionId: uniqueKey
    })
  }
}

function withProperties({ header, body }: Sending, properties: string): Sending {
  return { header: { ...header, properties }, body }
}

/**
 * Checks in the order of a real broker; a topic that is not there is made, if it may be. As there, a topic without
 * permission to write takes what comes: it is routes that tell producers not to send.
 */
export async function topicOf(
  { header }: Pick<Sending, 'header'>,
  isBatch: boolean,
  context: RequestContext
): Promise<Topic | Refused> {
  const { topic: name, defaultTopic, defaultTopicQueueNums } = header
  const known = await findTopic(context, name)
  // A topic that is there has a name that may be.
  const fault = known === undefined ? topicNameFault(name) : undefined
  if (fault !== undefined) return refuseSend(responseCodes.INVALID_PARAMETER, fault)
  if (isClosedTopic(name)) {
    const remark = `Sending message to topic[${name}] is forbidden.`
    return refuseSend(responseCodes.NO_PERMISSION, remark)
  }
  if (isBatch && name.startsWith(retryPrefix)) {
    const remark = `batch request does not support retry group ${name}`
    return refuseSend(responseCodes.MESSAGE_ILLEGAL, remark)
  }
  if (name === replyTopicOf(context)) {
    const replies = await ensureTopic(context, name, replyQueueCount)
    if (replies !== undefined) return replies
  }
  const mayMake = defaultTopic === autoCreateTopic && context.topics.policy.autoCreate
  const queues = Math.min(Math.max(defaultTopicQueueNums, 1), autoCreateQueuesMax)
  // Consumers send there what they could not send back; they have no other place for it.
  const isRetry = name.startsWith(retryPrefix)
  const count = mayMake ? queues : 1
  const topic = known ?? (mayMake || isRetry ? await ensureTopic(context, name, count) : undefined)
  if (topic === undefined) {
    const remark = `topic[${name}] not exist, apply first please!`
    return refuseSend(responseCodes.TOPIC_NOT_EXIST, remark)
  }
  return topic
}

function sentMessages(
  { header, body }: Sending,
  isBatch: boolean,
  topic: Topic,
  { limits }: RequestContext
): SentMessage[] | Refused {
  const { flag, bornTimestamp, reconsumeTimes } = header
  const sysFlag = flagsInTopic(topic, header.sysFlag)
  if (body.length > limits.bodyBytesMax) {
    return illegal(`a body of ${body.length} bytes, allowed are ${limits.bodyBytesMax}`)
  }
  const sentWith = (flag: number, properties: Buffer, bytes: Buffer): SentMessage => {
    return { flag, sysFlag, bornTimestamp, reconsumeTimes, properties, body: bytes }
  }
  if (!isBatch) {
    if (body.length === 0) return illegal('the body is empty')
    const properties = Buffer.from(header.properties)
    return keysMissing(topic, [properties]) ?? [sentWith(flag, properties, body)]
  }
  const all = decodeClientBatch(body)
  if (isMessageFault(all)) return illegal(all.text)
  if (all.length === 0) return illegal('the batch is empty')
  // A real broker does not look into batches, and loses what has no key when it compacts.
  const missing = keysMissing(
    topic,
    all.map(({ properties }) => properties)
  )
  return missing ?? all.map((one) => sentWith(one.flag, one.properties, one.body))
}

/** A compacted topic takes no message without a key: it could never be kept. */
function keysMissing(topic: Topic, all: readonly Buffer[]): Refused | undefined {
  if (!needsKeys(topic)) return undefined
  if (all.every((properties) => propertyOf(properties, keysName)?.trim())) return undefined
  return refuseSend(responseCodes.MESSAGE_ILLEGAL, 'Required message key is missing')
}

function acceptAll(
  sent: readonly SentMessage[],
  context: RequestContext
): AcceptedMessage[] | Refused {
  const accepted: AcceptedMessage[] = []
  const marks = marksOf(context)
  for (const one of sent) {
    const result = acceptMessage(one, marks, context)
    if (isRefused(result)) return result
    accepted.push(result)
  }
  return accepted
}

/** A batch never waits: clients do not send such, and a real broker refuses it. */
function laterOf(
  sent: readonly SentMessage[],
  isBatch: boolean,
  topic: Topic,
  queueId: number,
  context: RequestContext
): DelayedMessage | Refused | undefined {
  const [first] = sent
  if (isBatch || first === undefined) {
    return sent.some(isDelayed) ? illegal('a message of a batch asks for a delay') : undefined
  }
  return delayedMessage(first, topic, queueId, context)
}

function illegal(why: string): Refused {
  return refuseSend(responseCodes.MESSAGE_ILLEGAL, `the message is illegal: ${why}`)
}

/** One object for each cluster: what it makes of messages is kept by it. */
const marksMade = new Map<string, BrokerMarks>()

function marksOf({ clusterName: cluster }: RequestContext): BrokerMarks {
  const marks = marksMade.get(cluster) ?? { region, traceOn: true, cluster }
  marksMade.set(cluster, marks)
  return marks
}
