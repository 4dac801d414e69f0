/**
 * A half message (TransactionalMessageBridge): what a transactional producer sends before its own transaction ends. It
 * is stored where nobody reads it, says where it belongs, and becomes a message there when it is committed.
 */
import type { TimerPlace } from '../../broker/timers/index.ts'
import {
  commitFlag,
  delayLevelName,
  editedMessage,
  editProperties,
  type Message,
  type MessageFault,
  physicalOffsetOf,
  propertiesBytesMax,
  propertyOf,
  realQueueName,
  realTopicName,
  transactionMask,
  uniqueKeyName
} from '../../broker/translate/index.ts'

/** MessageConst, and TransactionalMessageUtil's TRANSACTION_ID. */
export const preparedName = 'TRAN_MSG'
export const producerGroupName = 'PGROUP'
export const transactionIdName = '__transactionId__'
const checkTimesName = 'TRANSACTION_CHECK_TIMES'
const immunityName = 'CHECK_IMMUNITY_TIME_IN_SECONDS'

/** RocketMQ's name of the topic where half messages are. Clients are told it; none can read it. */
export const halfTopic = 'RMQ_SYS_TRANS_HALF_TOPIC'
/** Where those end up that nobody would decide about. */
export const checkedTooOftenTopic = 'TRANS_CHECK_MAX_TIME_TOPIC'

/** Kept free of a half message's properties, for how often it was asked about. */
const checkTimesBytesMax = 64

/** A retried message keeps the property of the half message that it was (clients before 4.6.1). */
export function isHalfMessage({
  properties,
  reconsumeTimes
}: Pick<Message, 'properties' | 'reconsumeTimes'>): boolean {
  if (propertyOf(properties, preparedName)?.toLowerCase() !== 'true') return false
  return !(reconsumeTimes > 0 && Number(propertyOf(properties, delayLevelName) ?? 0) > 0)
}

/** The message as it waits. */
export function halfOf(message: Message, topic: string, queueId: number): Message | MessageFault {
  const uniqueKey = propertyOf(message.properties, uniqueKeyName) ?? ''
  const properties = editProperties(
    message.properties,
    [transactionIdName, realTopicName, realQueueName],
    [
      ...(uniqueKey === '' ? [] : ([[transactionIdName, uniqueKey]] as const)),
      [realTopicName, topic],
      [realQueueName, `${queueId}`]
    ]
  )
  const bytes = properties.length + checkTimesBytesMax
  if (bytes > propertiesBytesMax) {
    const text = `${bytes} bytes of properties, allowed are ${propertiesBytesMax}`
    return { fault: 'properties-too-long', text }
  }
  return { ...message, sysFlag: message.sysFlag & ~transactionMask, properties }
}

/** The half message with how often it was asked about, as its producer and its readers see it. */
export function checkedOf(half: Message, checks: number): Message {
  if (checks === 0) return half
  const times = [[checkTimesName, `${checks}`]] as const
  return editedMessage(half, {
    properties: editProperties(half.properties, [checkTimesName], times)
  })
}

/** What consumers get of it. */
export function committedOf(half: Message, { queue, offset }: TimerPlace, checks: number): Message {
  const checked = checkedOf(half, checks)
  const sysFlag = (checked.sysFlag & ~transactionMask) | commitFlag
  return editedMessage(checked, { sysFlag, preparedOffset: physicalOffsetOf(queue, offset) })
}

/** When a half message is asked about first, ms after it was stored. */
export function firstCheckAfterMs(
  { properties }: Pick<Message, 'properties'>,
  otherwiseMs: number
) {
  const seconds = immunityOf(properties)
  return seconds === undefined || seconds === -1 ? otherwiseMs : Math.max(seconds * 1000, 0)
}

/**
 * Until when the producer may say by itself what became of its transaction, ms after it was stored; undefined: as long
 * as it likes. Later it waits until it is asked, if it chose when that is (EndTransactionProcessor).
 */
export function endsWithinMs({ properties }: Pick<Message, 'properties'>, atLeastMs: number) {
  if (propertyOf(properties, immunityName) === undefined) return undefined
  return Math.max((immunityOf(properties) ?? 0) * 1000, atLeastMs)
}

/** Seconds; undefined for what Java's Long.parseLong does not take, and for what is no time at all. */
function immunityOf(properties: Buffer): number | undefined {
  const text = propertyOf(properties, immunityName)
  if (text === undefined || !/^[-+]?\d{1,10}$/.test(text)) return undefined
  return Number(text)
}
