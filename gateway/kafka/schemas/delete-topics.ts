import {
  array,
  type BodyOf,
  type InputOf,
  int16,
  int32,
  request,
  response,
  string,
  struct,
  uuid
} from '../codec/index.ts'

export const deleteTopicsRequest = request(20, [1, 6], 4, {
  /** By name or by id (KIP-516). */
  topics: array(
    struct({
      /** Null where the topic is named by its id. */
      name: string.nullable().or(null),
      topicId: uuid
    })
  )
    .since(6)
    .or([]),
  topicNames: array(string).until(5).or([]),
  timeoutMs: int32
})

export type DeleteTopicsRequest = BodyOf<typeof deleteTopicsRequest>

export const deleteTopicsResponse = response(deleteTopicsRequest, {
  throttleTimeMs: int32.or(0),
  responses: array(
    struct({
      name: string.nullable(6),
      topicId: uuid.since(6),
      errorCode: int16,
      errorMessage: string.since(5).nullable().or(null)
    })
  )
})

export type DeleteTopicsResponse = BodyOf<typeof deleteTopicsResponse>
export type DeleteTopicsResponseInput = InputOf<typeof deleteTopicsResponse>
