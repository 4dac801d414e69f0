import { bool, defaulted, list, struct, text } from '../codec/index.ts'
import { messageQueue } from './message-queue.ts'

/** Which queues a client wants to have, or gives back. */
export const queueLocks = struct({
  consumerGroup: text,
  clientId: text,
  onlyThisBroker: defaulted(bool, false),
  mqSet: list(messageQueue)
})

export const lockedQueues = struct({ lockOKMQSet: list(messageQueue) })
