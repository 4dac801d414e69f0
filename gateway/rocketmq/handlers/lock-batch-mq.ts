/** LOCK_BATCH_MQ (41): which of these queues a client has for itself; the others are another one's. */
import type { Handler } from '../context.ts'
import type { lockBatchMqRequest } from '../headers/lock-batch-mq.ts'
import { refusalOfGroup } from '../other-protocol.ts'

export const lockBatchMq: Handler<typeof lockBatchMqRequest> = ({ body }, context) => {
  const { consumerGroup, clientId, mqSet } = body
  const refusal = refusalOfGroup(consumerGroup, context)
  if (refusal !== undefined) return refusal
  const lockOKMQSet = mqSet.filter(({ topic, queueId }) =>
    context.locks.lock(consumerGroup, topic, queueId, clientId)
  )
  return { body: { lockOKMQSet } }
}
