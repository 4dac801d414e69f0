import {
  array,
  type BodyOf,
  bool,
  type InputOf,
  int8,
  int16,
  int32,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const describeClusterRequest = request(60, [0, 2], 0, {
  includeClusterAuthorizedOperations: bool,
  /** 1 brokers, 2 controllers (KIP-919). */
  endpointType: int8.since(1).or(1),
  includeFencedBrokers: bool.since(2).or(false)
})

export type DescribeClusterRequest = BodyOf<typeof describeClusterRequest>

export const describeClusterResponse = response(describeClusterRequest, {
  throttleTimeMs: int32.or(0),
  errorCode: int16,
  errorMessage: string.nullable().or(null),
  endpointType: int8.since(1).or(1),
  clusterId: string,
  controllerId: int32.or(-1),
  brokers: array(
    struct({
      brokerId: int32,
      host: string,
      port: int32,
      rack: string.nullable().or(null),
      isFenced: bool.since(2)
    })
  ),
  /** -2147483648: not asked for. */
  clusterAuthorizedOperations: int32.or(-2147483648)
})

export type DescribeClusterResponse = BodyOf<typeof describeClusterResponse>
export type DescribeClusterResponseInput = InputOf<typeof describeClusterResponse>
