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

export const describeLogDirsRequest = request(35, [1, 4], 2, {
  /** Null: all. */
  topics: array(struct({ topic: string, partitions: array(int32) })).nullable()
})

export type DescribeLogDirsRequest = BodyOf<typeof describeLogDirsRequest>

export const describeLogDirsResponse = response(describeLogDirsRequest, {
  throttleTimeMs: int32.or(0),
  errorCode: int16.since(3),
  results: array(
    struct({
      errorCode: int16,
      logDir: string,
      topics: array(
        struct({
          name: string,
          partitions: array(
            struct({
              partitionIndex: int32,
              partitionSize: offset64,
              offsetLag: offset64,
              isFutureKey: bool
            })
          )
        })
      ),
      /** -1: not known. */
      totalBytes: offset64.since(4).or(-1),
      usableBytes: offset64.since(4).or(-1)
    })
  )
})

export type DescribeLogDirsResponse = BodyOf<typeof describeLogDirsResponse>
export type DescribeLogDirsResponseInput = InputOf<typeof describeLogDirsResponse>
