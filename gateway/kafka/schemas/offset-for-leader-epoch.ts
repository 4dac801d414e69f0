import {
  array,
  type BodyOf,
  type InputOf,
  int16,
  int32,
  offset64,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const offsetForLeaderEpochRequest = request(23, [2, 4], 4, {
  replicaId: int32.since(3).or(-2),
  topics: array(
    struct({
      topic: string,
      partitions: array(
        struct({ partition: int32, currentLeaderEpoch: int32.or(-1), leaderEpoch: int32 })
      )
    })
  )
})

export type OffsetForLeaderEpochRequest = BodyOf<typeof offsetForLeaderEpochRequest>

export const offsetForLeaderEpochResponse = response(offsetForLeaderEpochRequest, {
  throttleTimeMs: int32.or(0),
  topics: array(
    struct({
      topic: string,
      partitions: array(
        struct({
          errorCode: int16,
          partition: int32,
          leaderEpoch: int32.or(-1),
          endOffset: offset64.or(-1)
        })
      )
    })
  )
})

export type OffsetForLeaderEpochResponse = BodyOf<typeof offsetForLeaderEpochResponse>
export type OffsetForLeaderEpochResponseInput = InputOf<typeof offsetForLeaderEpochResponse>
