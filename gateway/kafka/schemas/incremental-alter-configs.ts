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
  struct
} from '../codec/index.ts'

export const incrementalAlterConfigsRequest = request(44, [0, 1], 1, {
  resources: array(
    struct({
      resourceType: int8,
      resourceName: string,
      configs: array(
        struct({
          name: string,
          /** 0 set, 1 delete, 2 append, 3 subtract. */
          configOperation: int8,
          value: string.nullable()
        })
      )
    })
  ),
  validateOnly: bool
})

export type IncrementalAlterConfigsRequest = BodyOf<typeof incrementalAlterConfigsRequest>

export const incrementalAlterConfigsResponse = response(incrementalAlterConfigsRequest, {
  throttleTimeMs: int32.or(0),
  responses: array(
    struct({
      errorCode: int16,
      errorMessage: string.nullable(),
      resourceType: int8,
      resourceName: string
    })
  )
})

export type IncrementalAlterConfigsResponse = BodyOf<typeof incrementalAlterConfigsResponse>
export type IncrementalAlterConfigsResponseInput = InputOf<typeof incrementalAlterConfigsResponse>
