import {
  array,
  type BodyOf,
  bool,
  type InputOf,
  int16,
  int32,
  offset64,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

/** One group up to version 7, many from 8 on (KIP-709). */
export const offsetFetchRequest = request(9, [1, 9], 6, {
  groupId: string.until(7).or(''),
  /** Null, from version 2 on: all that the group has committed. */
  topics: array(struct({ name: string, partitionIndexes: array(int32) }))
    .until(7)
    .nullable(2)
    .or([]),
  /** KIP-709. */
  groups: array(
    struct({
      groupId: string,
      memberId: string.since(9).nullable().or(null),
      memberEpoch: int32.since(9).or(-1),
      /** Null: all that the group has committed. */
      topics: array(struct({ name: string, partitionIndexes: array(int32) })).nullable()
    })
  )
    .since(8)
    .or([]),
  /** Not while a transaction has offsets under way (KIP-447). */
  requireStable: bool.since(7).or(false)
})

export type OffsetFetchRequest = BodyOf<typeof offsetFetchRequest>

export const offsetFetchResponse = response(offsetFetchRequest, {
  throttleTimeMs: int32.since(3).or(0),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          /** -1: nothing committed; the error is 0. */
          committedOffset: offset64,
          committedLeaderEpoch: int32.since(5).or(-1),
          metadata: string.nullable(),
          errorCode: int16
        })
      )
    })
  )
    .until(7)
    .or([]),
  errorCode: int16.since(2).until(7).or(0),
  groups: array(
    struct({
      groupId: string,
      topics: array(
        struct({
          name: string,
          partitions: array(
            struct({
              partitionIndex: int32,
              /** -1: nothing committed; the error is 0. */
              committedOffset: offset64,
              committedLeaderEpoch: int32.or(-1),
              metadata: string.nullable(),
              errorCode: int16
            })
          )
        })
      ),
      errorCode: int16.or(0)
    })
  )
    .since(8)
    .or([])
})

export type OffsetFetchResponse = BodyOf<typeof offsetFetchResponse>
export type OffsetFetchResponseInput = InputOf<typeof offsetFetchResponse>
