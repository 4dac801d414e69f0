/** What becomes of a delayed record that is due. */
import type { Engine } from '../../../storage/index.ts'
import {
  editProperties,
  isMessageFault,
  type RecordMessage,
  recordOfMessage
} from '../translate/index.ts'
import type { PendingTimer, Verdict } from './timer.ts'

/** RocketMQ's time wheel marks its messages with it, and with two more when it lets go of them (TimerMessageStore). */
const wheelName = 'TIMER_OUT_MS'
const levelName = 'DELAY'
const enqueuedName = 'TIMER_ENQUEUE_MS'
const dequeuedName = 'TIMER_DEQUEUE_MS'

/** The record as it is goes to the target; a queue that is no more, to the one that its number is modulo. */
export async function copyToTarget(
  { row, message }: PendingTimer,
  engine: Pick<Engine, 'findTopic'>,
  nowMs: number
): Promise<Verdict> {
  const topic = await engine.findTopic({ id: row.targetTopicId })
  if (topic === undefined) return { drop: 'its topic is gone' }
  const queueCount = topic.writeQueues > 0 ? topic.writeQueues : topic.queues.length
  const number = row.targetQueue < queueCount ? row.targetQueue : row.targetQueue % queueCount
  const queue = topic.queues[number]
  if (queue === undefined) return { drop: 'its topic has no queue' }
  const record = recordOfMessage(delivered(message, nowMs))
  if (isMessageFault(record)) return { drop: record.text }
  return { settle: { appends: [{ queue, records: [record], origin: 'rocketmq' }] } }
}

function delivered(message: RecordMessage, nowMs: number) {
  const { flag, sysFlag, bornTimestampMs, bornHost, reconsumeTimes, preparedOffset, body } = message
  const fields = { flag, sysFlag, bornTimestampMs, bornHost, reconsumeTimes, preparedOffset, body }
  return { ...fields, properties: deliveredProperties(message, nowMs) }
}

function deliveredProperties(message: RecordMessage, nowMs: number): Buffer {
  const { properties, storeTimestampMs } = message
  if (message.property(wheelName) === undefined) return properties
  // One that was in the wheel before, and waits for a delay level now: a message that a consumer sent back.
  if (Number(message.property(levelName) ?? 0) > 0) return properties
  const times = [
    [enqueuedName, `${storeTimestampMs}`],
    [dequeuedName, `${nowMs}`]
  ] as const
  return editProperties(properties, [enqueuedName, dequeuedName], times)
}
