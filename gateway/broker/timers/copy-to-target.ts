/** What becomes of a delayed record that is due. */
import type { Engine } from '../../../storage/index.ts'
import {
  delayLevelName,
  editedMessage,
  editProperties,
  isMessageFault,
  type RecordMessage,
  recordOfMessage,
  timerOutName
} from '../translate/index.ts'
import { type PendingTimer, targetQueueOf, type Verdict } from './timer.ts'

/** RocketMQ's time wheel marks its messages so when it lets go of them (TimerMessageStore). */
const enqueuedName = 'TIMER_ENQUEUE_MS'
const dequeuedName = 'TIMER_DEQUEUE_MS'

/** The record as it is goes to the target. */
export async function copyToTarget(
  { row, message }: PendingTimer,
  engine: Pick<Engine, 'findTopic'>,
  nowMs: number
): Promise<Verdict> {
  const topic = await engine.findTopic({ id: row.targetTopicId })
  if (topic === undefined) return { drop: 'its topic is gone' }
  const queue = targetQueueOf(topic, row.targetQueue)
  if (queue === undefined) return { drop: 'its topic has no queue' }
  const properties = deliveredProperties(message, nowMs)
  const record = recordOfMessage(editedMessage(message, { properties }))
  if (isMessageFault(record)) return { drop: record.text }
  return { settle: { appends: [{ queue, records: [record], origin: 'rocketmq' }] } }
}

function deliveredProperties(message: RecordMessage, nowMs: number): Buffer {
  const { properties, storeTimestampMs } = message
  if (message.property(timerOutName) === undefined) return properties
  // One that was in the wheel before, and waits for a delay level now: a message that a consumer sent back.
  if (Number(message.property(delayLevelName) ?? 0) > 0) return properties
  const times = [
    [enqueuedName, `${storeTimestampMs}`],
    [dequeuedName, `${nowMs}`]
  ] as const
  return editProperties(properties, [enqueuedName, dequeuedName], times)
}
