import { request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const cleanExpiredConsumequeueRequest = request(requestCodes.CLEAN_EXPIRED_CONSUMEQUEUE, {})

export const deleteExpiredCommitlogRequest = request(requestCodes.DELETE_EXPIRED_COMMITLOG, {})

export const cleanUnusedTopicRequest = request(requestCodes.CLEAN_UNUSED_TOPIC, {})
