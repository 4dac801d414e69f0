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

export const describeGroupsRequest = request(15, [0, 6], 5, {
  groups: array(string),
  includeAuthorizedOperations: bool.since(3).or(false)
})

export type DescribeGroupsRequest = BodyOf<typeof describeGroupsRequest>

export const describeGroupsResponse = response(describeGroupsRequest, {
  throttleTimeMs: int32.since(1).or(0),
  groups: array(
    struct({
      errorCode: int16,
      errorMessage: string.since(6).nullable().or(null),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array(
        struct({
          memberId: string,
          groupInstanceId: string.since(4).nullable().or(null),
          clientId: string,
          clientHost: string,
          memberMetadata: bytes,
          memberAssignment: bytes
        })
      ),
      /** -2147483648: not asked for. */
      authorizedOperations: int32.since(3).or(-2147483648)
    })
  )
})

export type DescribeGroupsResponse = BodyOf<typeof describeGroupsResponse>
export type DescribeGroupsResponseInput = InputOf<typeof describeGroupsResponse>
