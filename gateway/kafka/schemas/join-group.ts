import {
  array,
  type BodyOf,
  bool,
  bytes,
  type InputOf,
  int16,
  int32,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const joinGroupRequest = request(11, [0, 9], 6, {
  groupId: string,
  sessionTimeoutMs: int32,
  /** Before version 1 the session timeout stands for it. */
  rebalanceTimeoutMs: int32.since(1).or(-1),
  /** Empty: a new member. */
  memberId: string,
  /** Static membership (KIP-345). */
  groupInstanceId: string.since(5).nullable().or(null),
  protocolType: string,
  protocols: array(
    struct({
      name: string,
      /** The client's own, opaque here. */
      metadata: bytes
    })
  ),
  reason: string.since(8).nullable().or(null)
})

export type JoinGroupRequest = BodyOf<typeof joinGroupRequest>

export const joinGroupResponse = response(joinGroupRequest, {
  throttleTimeMs: int32.since(2).or(0),
  errorCode: int16,
  generationId: int32.or(-1),
  protocolType: string.since(7).nullable().or(null),
  /** Null, where there is none, only from version 7 on; empty before. */
  protocolName: string.nullable(7),
  leader: string,
  /** The leader is a static member that came back: the assignment stands (KIP-814). */
  skipAssignment: bool.since(9).or(false),
  memberId: string,
  /** For the leader only; empty for the others. */
  members: array(
    struct({
      memberId: string,
      groupInstanceId: string.since(5).nullable().or(null),
      metadata: bytes
    })
  )
})

export type JoinGroupResponse = BodyOf<typeof joinGroupResponse>
export type JoinGroupResponseInput = InputOf<typeof joinGroupResponse>
