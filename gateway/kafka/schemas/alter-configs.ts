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

/** Replaces all of a resource's own settings. */
export const alterConfigsRequest = request(33, [0, 2], 2, {
  resources: array(
    struct({
      resourceType: int8,
      resourceName: string,
      configs: array(struct({ name: string, value: string.nullable() }))
    })
  ),
  validateOnly: bool
})

export type AlterConfigsRequest = BodyOf<typeof alterConfigsRequest>

export const alterConfigsResponse = response(alterConfigsRequest, {
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

export type AlterConfigsResponse = BodyOf<typeof alterConfigsResponse>
export type AlterConfigsResponseInput = InputOf<typeof alterConfigsResponse>
