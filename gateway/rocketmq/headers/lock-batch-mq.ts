import { lockedQueues, queueLocks } from '../bodies/queue-locks.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** Always SUCCESS: a queue that is not in the answer is another client's. */
export const lockBatchMqRequest = request(requestCodes.LOCK_BATCH_MQ, {
  body: json(queueLocks),
  responseBody: json(lockedQueues)
})
