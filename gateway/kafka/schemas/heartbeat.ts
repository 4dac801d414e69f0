import {
  type BodyOf,
  type InputOf,
  int16,
  int32,
  request,
  response,
  string
} from '../codec/index.ts'

export const heartbeatRequest = request(12, [0, 4], 4, {
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: string.since(3).nullable().or(null)
})

export type HeartbeatRequest = BodyOf<typeof heartbeatRequest>

export const heartbeatResponse = response(heartbeatRequest, {
  throttleTimeMs: int32.since(1).or(0),
  errorCode: int16
})

export type HeartbeatResponse = BodyOf<typeof heartbeatResponse>
export type HeartbeatResponseInput = InputOf<typeof heartbeatResponse>
