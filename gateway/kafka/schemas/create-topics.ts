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
  struct,
  uuid
} from '../codec/index.ts'

export const createTopicsRequest = request(19, [2, 7], 5, {
  topics: array(
    struct({
      name: string,
      /** -1 (KIP-464): the default, or what the assignments say. */
      numPartitions: int32,
      /** -1: the default, or what the assignments say. */
      replicationFactor: int16,
      assignments: array(struct({ partitionIndex: int32, brokerIds: array(int32) })),
      configs: array(struct({ name: string, value: string.nullable() }))
    })
  ),
  timeoutMs: int32.or(60000),
  validateOnly: bool.or(false)
})

export type CreateTopicsRequest = BodyOf<typeof createTopicsRequest>

export const createTopicsResponse = response(createTopicsRequest, {
  throttleTimeMs: int32.or(0),
  topics: array(
    struct({
      name: string,
      topicId: uuid.since(7),
      errorCode: int16,
      errorMessage: string.nullable(),
      /** Why there are no configs, if they may not be told. */
      topicConfigErrorCode: int16.since(5).tagged(0),
      numPartitions: int32.since(5).or(-1),
      replicationFactor: int16.since(5).or(-1),
      configs: array(
        struct({
          name: string,
          value: string.nullable(),
          readOnly: bool,
          configSource: int8.or(-1),
          isSensitive: bool
        })
      )
        .since(5)
        .nullable()
    })
  )
})

export type CreateTopicsResponse = BodyOf<typeof createTopicsResponse>
export type CreateTopicsResponseInput = InputOf<typeof createTopicsResponse>
