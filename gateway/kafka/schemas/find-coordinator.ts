import {
  array,
  type BodyOf,
  type InputOf,
  int8,
  int16,
  int32,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

/** One key up to version 3, many from 4 on (KIP-699). */
export const findCoordinatorRequest = request(10, [0, 6], 3, {
  key: string.until(3).or(''),
  /** 0 group, 1 transaction, 2 share group (version 6). */
  keyType: int8.since(1).or(0),
  /** KIP-699. */
  coordinatorKeys: array(string).since(4).or([])
})

export type FindCoordinatorRequest = BodyOf<typeof findCoordinatorRequest>

export const findCoordinatorResponse = response(findCoordinatorRequest, {
  throttleTimeMs: int32.since(1).or(0),
  errorCode: int16.until(3).or(0),
  errorMessage: string.since(1).until(3).nullable().or(''),
  nodeId: int32.until(3).or(0),
  host: string.until(3).or(''),
  port: int32.until(3).or(0),
  coordinators: array(
    struct({
      key: string,
      nodeId: int32,
      host: string,
      port: int32,
      errorCode: int16,
      errorMessage: string.nullable()
    })
  )
    .since(4)
    .or([])
})

export type FindCoordinatorResponse = BodyOf<typeof findCoordinatorResponse>
export type FindCoordinatorResponseInput = InputOf<typeof findCoordinatorResponse>
