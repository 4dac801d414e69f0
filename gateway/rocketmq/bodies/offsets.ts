import { keyed, long } from '../codec/index.ts'
import { messageQueue } from './message-queue.ts'

/** An offset for each queue. */
export const queueOffsets = keyed(messageQueue, long)
