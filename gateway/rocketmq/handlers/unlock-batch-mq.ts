/** UNLOCK_BATCH_MQ (42): a client gives queues back. */
import type { Handler } from '../context.ts'
import type { unlockBatchMqRequest } from '../headers/unlock-batch-mq.ts'

export const unlockBatchMq: Handler<typeof unlockBatchMqRequest> = ({ body }, { locks }) => {
  const { consumerGroup, clientId, mqSet } = body
  for (const { topic, queueId } of mqSet) locks.unlock(consumerGroup, topic, queueId, clientId)
  return {}
}
