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

export const listGroupsRequest = request(16, [0, 5], 3, {
  /** Empty: any (KIP-518). */
  statesFilter: array(string).since(4).or([]),
  /** Empty: any (KIP-848). */
  typesFilter: array(string).since(5).or([])
})

export type ListGroupsRequest = BodyOf<typeof listGroupsRequest>

export const listGroupsResponse = response(listGroupsRequest, {
  throttleTimeMs: int32.since(1).or(0),
  errorCode: int16,
  groups: array(
    struct({
      groupId: string,
      protocolType: string,
      groupState: string.since(4),
      groupType: string.since(5)
    })
  )
})

export type ListGroupsResponse = BodyOf<typeof listGroupsResponse>
export type ListGroupsResponseInput = InputOf<typeof listGroupsResponse>
