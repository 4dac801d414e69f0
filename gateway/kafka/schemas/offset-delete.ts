import {
  array,
  type BodyOf,
  type InputOf,
  int16,
  int32,
  neverFlexible,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

/** Never became flexible. */
export const offsetDeleteRequest = request(47, [0, 0], neverFlexible, {
  groupId: string,
  topics: array(
    struct({
      name: string,
      partitions: array(struct({ partitionIndex: int32 }))
    })
  )
})

export type OffsetDeleteRequest = BodyOf<typeof offsetDeleteRequest>

export const offsetDeleteResponse = response(offsetDeleteRequest, {
  errorCode: int16,
  throttleTimeMs: int32.or(0),
  topics: array(
    struct({
      name: string,
      partitions: array(struct({ partitionIndex: int32, errorCode: int16 }))
    })
  )
})

export type OffsetDeleteResponse = BodyOf<typeof offsetDeleteResponse>
export type OffsetDeleteResponseInput = InputOf<typeof offsetDeleteResponse>
