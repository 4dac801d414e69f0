import {
  array,
  type BodyOf,
  bytes,
  type InputOf,
  int16,
  int32,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const syncGroupRequest = request(14, [0, 5], 4, {
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: string.since(3).nullable().or(null),
  protocolType: string.since(5).nullable().or(null),
  protocolName: string.since(5).nullable().or(null),
  /** The leader's; empty from the others. */
  assignments: array(struct({ memberId: string, assignment: bytes }))
})

export type SyncGroupRequest = BodyOf<typeof syncGroupRequest>

export const syncGroupResponse = response(syncGroupRequest, {
  throttleTimeMs: int32.since(1).or(0),
  errorCode: int16,
  protocolType: string.since(5).nullable().or(null),
  protocolName: string.since(5).nullable().or(null),
  assignment: bytes
})

export type SyncGroupResponse = BodyOf<typeof syncGroupResponse>
export type SyncGroupResponseInput = InputOf<typeof syncGroupResponse>
