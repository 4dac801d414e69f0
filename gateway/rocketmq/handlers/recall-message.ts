/**
 * RECALL_MESSAGE (370): a timer message that waits still is never delivered. A second recall of it succeeds too; a real
 * broker, which does not look for the message, answers likewise. Off in RocketMQ by default, on here.
 */
import type { TimerPlace } from '../../broker/timers/index.ts'
import { uniqueKeyName } from '../../broker/translate/index.ts'
import { type Handler, type RequestContext, refuse } from '../context.ts'
import type { recallMessageRequest } from '../headers/recall-message.ts'
import { findTopic } from '../known-topics.ts'
import { decodeRecallHandle, type RecallHandle } from '../recall-handle.ts'
import { responseCodes } from '../response-codes.ts'

/** Messages of one unique key, at most, that a recall looks at. */
const sameKeyMax = 100

export const recallMessage: Handler<typeof recallMessageRequest> = async (asked, context) => {
  const { topic: name, recallHandle } = asked.header
  const topic = await findTopic(context, name)
  if (topic === undefined) {
    const remark = `recall failed, the topic[${name}] not exist`
    return refuse(responseCodes.TOPIC_NOT_EXIST, remark)
  }
  const handle = decodeRecallHandle(recallHandle)
  if (handle === undefined) return illegal('recall handle is invalid')
  if (handle.topic !== name) return illegal('recall failed, topic not match')
  if (handle.brokerName !== context.brokerName) {
    return illegal('recall failed, broker service not available')
  }
  const leftMs = handle.deliverMs - context.clock.now()
  if (leftMs <= 0 || leftMs > context.limits.timerDelayMsMax) return tooLate()
  let isDone = false
  for (const place of await placesOf(handle, context)) {
    const found = await context.timers.find(place)
    if (found === undefined || found.row.targetTopicId !== topic.id) continue
    if (found.message.property(uniqueKeyName) !== handle.uniqueKey) continue
    if ((await context.timers.settle(place)) !== undefined) isDone = true
  }
  // It may have been delivered meanwhile.
  if (!isDone && context.clock.now() >= handle.deliverMs) return tooLate()
  return { header: { msgId: handle.uniqueKey } }
}

async function placesOf(handle: RecallHandle, context: RequestContext): Promise<TimerPlace[]> {
  if (handle.place !== undefined) return [handle.place]
  const queue = context.timers.queueOf('delayed')
  const waiting = await context.engine.findTopic({ queue })
  if (waiting === undefined) return []
  const found = await context.engine.findByKey({
    topicId: waiting.id,
    key: handle.uniqueKey,
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
    countMax: sameKeyMax
  })
  return [...found]
}

function tooLate() {
  return illegal('recall failed, timestamp invalid')
}

function illegal(remark: string) {
  return refuse(responseCodes.ILLEGAL_OPERATION, remark)
}
