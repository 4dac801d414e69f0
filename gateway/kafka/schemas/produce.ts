import {
  array,
  type BodyOf,
  type InputOf,
  int16,
  int32,
  offset64,
  records,
  request,
  response,
  string,
  struct,
  uuid,
  zeroUuid
} from '../codec/index.ts'

/**
 * Versions 0 to 2 carry record formats that are not served, but librdkafka before 2.11.1 compresses
 * only where version 0 is advertised (KAFKA-18659).
 */
export const produceRequest = request(
  0,
  [3, 13],
  9,
  {
    transactionalId: string.nullable().or(null),
    /** -1 all, 1 leader, 0 no answer wanted. */
    acks: int16,
    timeoutMs: int32,
    topicData: array(
      struct({
        name: string.until(12).or(''),
        topicId: uuid.since(13).or(zeroUuid),
        partitionData: array(struct({ index: int32, records: records }))
      })
    )
  },
  { advertise: [0, 13] }
)

export type ProduceRequest = BodyOf<typeof produceRequest>

export const produceResponse = response(produceRequest, {
  responses: array(
    struct({
      name: string.until(12).or(''),
      topicId: uuid.since(13).or(zeroUuid),
      partitionResponses: array(
        struct({
          index: int32,
          errorCode: int16,
          baseOffset: offset64,
          /** -1 with CreateTime. */
          logAppendTimeMs: offset64.or(-1),
          logStartOffset: offset64.since(5).or(-1),
          recordErrors: array(
            struct({ batchIndex: int32, batchIndexErrorMessage: string.nullable().or(null) })
          )
            .since(8)
            .or([]),
          errorMessage: string.nullable().since(8).or(null),
          currentLeader: struct({ leaderId: int32.or(-1), leaderEpoch: int32.or(-1) })
            .since(10)
            .tagged(0)
        })
      )
    })
  ),
  throttleTimeMs: int32.or(0),
  nodeEndpoints: array(
    struct({ nodeId: int32, host: string, port: int32, rack: string.nullable().or(null) })
  )
    .since(10)
    .tagged(0)
})

export type ProduceResponse = BodyOf<typeof produceResponse>
export type ProduceResponseInput = InputOf<typeof produceResponse>
