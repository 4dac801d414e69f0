import { int, struct, text } from '../codec/index.ts'

/** A queue as clients name it. */
export const messageQueue = struct({ topic: text, brokerName: text, queueId: int })
