/** GET_EARLIEST_MSG_STORETIME (32): when a queue's first message was stored; -1 where it has none. */
import type { Handler } from '../context.ts'
import type { getEarliestMsgStoretimeRequest } from '../headers/get-earliest-msg-storetime.ts'
import { findTopic } from '../known-topics.ts'

export const getEarliestMsgStoretime: Handler<typeof getEarliestMsgStoretimeRequest> = async (
  { header: { topic: name, queueId } },
  context
) => {
  const topic = await findTopic(context, name)
  const queue = topic?.queues[queueId]
  const first = queue === undefined ? null : await context.engine.offsetByTime(queue, 0, 'append')
  return { header: { timestamp: first?.timestampMs ?? -1 } }
}
