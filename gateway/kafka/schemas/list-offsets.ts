import {
  array,
  type BodyOf,
  clamped64,
  type InputOf,
  int8,
  int16,
  int32,
  offset64,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const listOffsetsRequest = request(2, [1, 11], 6, {
  /** -1 from a client. */
  replicaId: int32,
  /** 0 read uncommitted, 1 read committed. */
  isolationLevel: int8.since(2).or(0),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          currentLeaderEpoch: int32.since(4).or(-1),
          /**
           * Milliseconds; or -1 latest, -2 earliest, -3 largest timestamp (version 7), -4 earliest
           * local (8), -5 latest tiered (9), -6 earliest not yet tiered (11).
           */
          timestamp: clamped64
        })
      )
    })
  ),
  timeoutMs: int32.since(10).or(0)
})

export type ListOffsetsRequest = BodyOf<typeof listOffsetsRequest>

export const listOffsetsResponse = response(listOffsetsRequest, {
  throttleTimeMs: int32.since(2).or(0),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          timestamp: offset64.or(-1),
          /** -1 where no record is that late; then the timestamp is -1 too, and the error 0. */
          offset: offset64.or(-1),
          leaderEpoch: int32.since(4).or(-1)
        })
      )
    })
  )
})

export type ListOffsetsResponse = BodyOf<typeof listOffsetsResponse>
export type ListOffsetsResponseInput = InputOf<typeof listOffsetsResponse>
