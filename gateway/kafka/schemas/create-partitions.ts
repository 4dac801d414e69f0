import {
  array,
  type BodyOf,
  bool,
  type InputOf,
  int16,
  int32,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const createPartitionsRequest = request(37, [0, 3], 2, {
  topics: array(
    struct({
      name: string,
      /** The new total. */
      count: int32,
      assignments: array(struct({ brokerIds: array(int32) })).nullable()
    })
  ),
  timeoutMs: int32,
  validateOnly: bool
})

export type CreatePartitionsRequest = BodyOf<typeof createPartitionsRequest>

export const createPartitionsResponse = response(createPartitionsRequest, {
  throttleTimeMs: int32.or(0),
  results: array(
    struct({ name: string, errorCode: int16, errorMessage: string.nullable().or(null) })
  )
})

export type CreatePartitionsResponse = BodyOf<typeof createPartitionsResponse>
export type CreatePartitionsResponseInput = InputOf<typeof createPartitionsResponse>
