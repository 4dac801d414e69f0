import {
  array,
  type BodyOf,
  clamped64,
  type InputOf,
  int16,
  int32,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

/** Version 10 would name topics by id (KIP-848) and is not served yet. */
export const offsetCommitRequest = request(8, [2, 9], 8, {
  groupId: string,
  /** -1 with an empty member id: not from a member (tools, assigned consumers). */
  generationIdOrMemberEpoch: int32.or(-1),
  memberId: string,
  groupInstanceId: string.since(7).nullable().or(null),
  /** Ignored since offsets live as long as their group does (KIP-211). */
  retentionTimeMs: clamped64.until(4).or(-1),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          /** Clamped: the largest safe integer stands for all that is beyond it. */
          committedOffset: clamped64,
          committedLeaderEpoch: int32.since(6).or(-1),
          committedMetadata: string.nullable()
        })
      )
    })
  )
})

export type OffsetCommitRequest = BodyOf<typeof offsetCommitRequest>

export const offsetCommitResponse = response(offsetCommitRequest, {
  throttleTimeMs: int32.since(3).or(0),
  topics: array(
    struct({
      name: string,
      partitions: array(struct({ partitionIndex: int32, errorCode: int16 }))
    })
  )
})

export type OffsetCommitResponse = BodyOf<typeof offsetCommitResponse>
export type OffsetCommitResponseInput = InputOf<typeof offsetCommitResponse>
