import {
  array,
  type BodyOf,
  clamped64,
  type InputOf,
  int16,
  int32,
  offset64,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const deleteRecordsRequest = request(21, [0, 2], 2, {
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          /** The new log start offset; -1: the high watermark. */
          offset: clamped64
        })
      )
    })
  ),
  timeoutMs: int32
})

export type DeleteRecordsRequest = BodyOf<typeof deleteRecordsRequest>

export const deleteRecordsResponse = response(deleteRecordsRequest, {
  throttleTimeMs: int32.or(0),
  topics: array(
    struct({
      name: string,
      partitions: array(struct({ partitionIndex: int32, lowWatermark: offset64, errorCode: int16 }))
    })
  )
})

export type DeleteRecordsResponse = BodyOf<typeof deleteRecordsResponse>
export type DeleteRecordsResponseInput = InputOf<typeof deleteRecordsResponse>
