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

export const listPartitionReassignmentsRequest = request(46, [0, 0], 0, {
  timeoutMs: int32.or(60000),
  /** Null: all. */
  topics: array(struct({ name: string, partitionIndexes: array(int32) }))
    .nullable()
    .or(null)
})

export type ListPartitionReassignmentsRequest = BodyOf<typeof listPartitionReassignmentsRequest>

export const listPartitionReassignmentsResponse = response(listPartitionReassignmentsRequest, {
  throttleTimeMs: int32.or(0),
  errorCode: int16,
  errorMessage: string.nullable(),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          replicas: array(int32),
          addingReplicas: array(int32),
          removingReplicas: array(int32)
        })
      )
    })
  )
})

export type ListPartitionReassignmentsResponse = BodyOf<typeof listPartitionReassignmentsResponse>
export type ListPartitionReassignmentsResponseInput = InputOf<
  typeof listPartitionReassignmentsResponse
>
