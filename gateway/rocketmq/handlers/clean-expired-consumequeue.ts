/**
 * CLEAN_EXPIRED_CONSUMEQUEUE (306), CLEAN_UNUSED_TOPIC (316), DELETE_EXPIRED_COMMITLOG (329): files that a broker may
 * have left of queues and topics that are gone, or past their time. Here they go with the queue or the topic, and what
 * is past its retention goes by itself, so there is never anything to clean.
 */
import type { Handler } from '../context.ts'
import type { cleanExpiredConsumequeueRequest } from '../headers/clean-expired-consumequeue.ts'

export const cleanExpiredConsumequeue: Handler<typeof cleanExpiredConsumequeueRequest> = () => ({})
