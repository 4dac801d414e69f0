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

export const deleteGroupsRequest = request(42, [0, 2], 2, {
  groupsNames: array(string)
})

export type DeleteGroupsRequest = BodyOf<typeof deleteGroupsRequest>

export const deleteGroupsResponse = response(deleteGroupsRequest, {
  throttleTimeMs: int32.or(0),
  results: array(struct({ groupId: string, errorCode: int16 }))
})

export type DeleteGroupsResponse = BodyOf<typeof deleteGroupsResponse>
export type DeleteGroupsResponseInput = InputOf<typeof deleteGroupsResponse>
