import { heartbeatData } from '../bodies/heartbeat.ts'
import { request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/**
 * The answer's frame carries the version that clients remember of the broker. A real one adds
 * IS_SUPPORT_HEART_BEAT_V2; without it clients send whole heartbeats each time.
 */
export const heartBeatRequest = request(requestCodes.HEART_BEAT, { body: heartbeatData })
