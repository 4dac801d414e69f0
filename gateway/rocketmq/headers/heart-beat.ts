import { heartbeatData } from '../bodies/heartbeat.ts'
import { bool, header, optional, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** The answer's frame carries the version that clients remember of the broker. */
export const heartBeatRequest = request(requestCodes.HEART_BEAT, {
  body: heartbeatData,
  /** Left out: clients then send whole heartbeats each time (V1). */
  responseHeader: header(
    { supportsV2: optional(bool), subscriptionChanged: optional(bool) },
    { supportsV2: 'IS_SUPPORT_HEART_BEAT_V2', subscriptionChanged: 'IS_SUB_CHANGE' }
  )
})
