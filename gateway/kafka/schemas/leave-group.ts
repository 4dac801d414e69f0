import {
  array,
  type BodyOf,
  type InputOf,
  int16,
  int32,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

/** One member up to version 2, many from 3 on (KIP-345). */
export const leaveGroupRequest = request(13, [0, 5], 4, {
  groupId: string,
  /** Before version 3, one member leaves. */
  memberId: string.until(2).or(''),
  members: array(
    struct({
      /** Before version 3, one member leaves. */
      memberId: string,
      groupInstanceId: string.nullable().or(null),
      reason: string.since(5).nullable().or(null)
    })
  )
    .since(3)
    .or([])
})

export type LeaveGroupRequest = BodyOf<typeof leaveGroupRequest>

export const leaveGroupResponse = response(leaveGroupRequest, {
  throttleTimeMs: int32.since(1).or(0),
  errorCode: int16,
  members: array(struct({ memberId: string, groupInstanceId: string.nullable(), errorCode: int16 }))
    .since(3)
    .or([])
})

export type LeaveGroupResponse = BodyOf<typeof leaveGroupResponse>
export type LeaveGroupResponseInput = InputOf<typeof leaveGroupResponse>
