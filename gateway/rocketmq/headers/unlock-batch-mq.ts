import { queueLocks } from '../bodies/queue-locks.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const unlockBatchMqRequest = request(requestCodes.UNLOCK_BATCH_MQ, {
  body: json(queueLocks)
})
