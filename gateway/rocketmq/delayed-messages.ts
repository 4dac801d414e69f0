/**
 * Messages that ask to be delivered later (HookUtils.handleScheduleMessage): by a delay level, or as timer messages to
 * the millisecond. Their properties become what a real broker stores; of several the delay level counts.
 */
import type { Topic } from '../../storage/contract.ts'
import type { Due } from '../broker/timers/index.ts'
import {
  delayLevelName,
  editProperties,
  encodeOffsetId,
  physicalOffsetOf,
  preparedFlag,
  propertyOf,
  realQueueName,
  realTopicName,
  timerOutName,
  transactionMask
} from '../broker/translate/index.ts'
import type { Refused, RequestContext } from './context.ts'
import { delayLevelOf, delayMsOf } from './delay-levels.ts'
import { retryPrefix } from './known-topics.ts'
import { encodeRecallHandle } from './recall-handle.ts'
import { responseCodes } from './response-codes.ts'
import { type AcceptedMessage, refuseSend, type SentMessage, sentHeader } from './sent-messages.ts'
import { storeHost } from './this-broker.ts'

const secondsName = 'TIMER_DELAY_SEC'
const msName = 'TIMER_DELAY_MS'
const timeName = 'TIMER_DELIVER_MS'
/** An older way to recall a message: one that names another and is never delivered itself. */
const deleteName = 'TIMER_DEL_UNIQKEY'
/** What a timer message asks with; a delay level counts more. */
export const timerNames = [secondsName, msName, timeName] as const

export interface DelayedMessage {
  readonly due: Due
  /** As it shall be stored. */
  readonly sent: SentMessage
  /** Of a timer message. */
  readonly deliverMs?: number
}

/** Undefined for a message that is delivered at once, half messages too. */
export function delayedMessage(
  sent: SentMessage,
  topic: Topic,
  queueId: number,
  context: RequestContext
): DelayedMessage | Refused | undefined {
  if ((sent.sysFlag & transactionMask) === preparedFlag) return undefined
  const target = [
    [realTopicName, topic.names.rocketmq],
    [realQueueName, `${queueId}`]
  ] as const
  const asked = propertyOf(sent.properties, delayLevelName)
  if (asked !== undefined) {
    const level = longOf(asked)
    if (level === undefined) {
      return refuseSend(responseCodes.SYSTEM_ERROR, `the delay level "${asked}" is no number`)
    }
    if (level > 0) {
      const added = [[delayLevelName, `${delayLevelOf(level)}`], ...target] as const
      const properties = stored(sent.properties, timerNames, added)
      return { due: { afterMs: delayMsOf(level) }, sent: { ...sent, properties } }
    }
  }
  const deliverMs = deliveryTime(sent.properties, context)
  if (typeof deliverMs !== 'number') return deliverMs
  const properties = stored(sent.properties, [], [[timerOutName, `${deliverMs}`], ...target])
  return { due: { atMs: deliverMs }, sent: { ...sent, properties }, deliverMs }
}

/** Whether a message asks to come later: in a batch, or in a transaction, it is refused then. */
export function isDelayed({ properties }: Pick<SentMessage, 'properties'>): boolean {
  const level = propertyOf(properties, delayLevelName)
  if (level !== undefined && (longOf(level) ?? 1) > 0) return true
  return timerNames.some((name) => propertyOf(properties, name) !== undefined)
}

/** Lets the message wait; answered with where it does, as a real broker answers. */
export async function sendDelayed(
  { due, deliverMs }: DelayedMessage,
  { record, uniqueKey }: AcceptedMessage,
  topic: Topic,
  queueId: number,
  context: RequestContext
) {
  const { place } = await context.timers.add({
    kind: 'delayed',
    // Recalled by its unique key; its other keys find it where it is delivered.
    record: { ...record, keys: deliverMs === undefined ? [] : [uniqueKey] },
    due,
    target: { topicId: topic.id, queue: queueId }
  })
  const { brokerName } = context
  const name = topic.names.rocketmq
  const mayRecall = deliverMs !== undefined && !name.startsWith(retryPrefix)
  const recallHandle = mayRecall
    ? encodeRecallHandle({ topic: name, brokerName, deliverMs, uniqueKey, place })
    : undefined
  return {
    header: sentHeader({
      msgId: encodeOffsetId(storeHost(context), physicalOffsetOf(place.queue, place.offset)),
      queueId,
      queueOffset: place.offset,
      transactionId: uniqueKey,
      recallHandle
    })
  }
}

/** ms; undefined for a message that asks for no time, or for one that is over. */
function deliveryTime(
  properties: Buffer,
  { clock, limits }: RequestContext
): number | Refused | undefined {
  if (propertyOf(properties, timerOutName) !== undefined) return undefined
  const name = timerNames.find((one) => propertyOf(properties, one) !== undefined)
  if (name === undefined) return undefined
  if (propertyOf(properties, deleteName) !== undefined) {
    const remark = `the property ${deleteName} is not supported: recall messages by their handles`
    return refuseSend(responseCodes.MESSAGE_ILLEGAL, remark)
  }
  const given = longOf(propertyOf(properties, name) ?? '')
  const now = clock.now()
  const deliverMs =
    given === undefined
      ? Number.NaN
      : name === timeName
        ? given
        : now + (name === secondsName ? given * 1000 : given)
  if (deliverMs <= now) return undefined
  if (deliverMs - now <= limits.timerDelayMsMax) return deliverMs
  const remark =
    'timer message illegal, the delay time should not be bigger than the max delay ' +
    `${limits.timerDelayMsMax}ms; or if set del msg, the delay time should be bigger than the current time`
  return refuseSend(responseCodes.MESSAGE_ILLEGAL, remark)
}

function stored(
  properties: Buffer,
  without: readonly string[],
  added: readonly (readonly [name: string, value: string])[]
): Buffer {
  return editProperties(properties, [...without, ...added.map(([name]) => name)], added)
}

/** As Java's Long.parseLong; beyond what numbers hold exactly it is near enough. */
function longOf(text: string): number | undefined {
  return /^[-+]?\d{1,19}$/.test(text) ? Number(text) : undefined
}
