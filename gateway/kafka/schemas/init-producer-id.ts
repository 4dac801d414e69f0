import {
  type BodyOf,
  type InputOf,
  int16,
  int32,
  offset64,
  request,
  response,
  string
} from '../codec/index.ts'

export const initProducerIdRequest = request(22, [0, 5], 2, {
  transactionalId: string.nullable(),
  transactionTimeoutMs: int32,
  /** With its epoch: a producer that asks for a higher epoch (KIP-360). */
  producerId: offset64.since(3).or(-1),
  producerEpoch: int16.since(3).or(-1)
})

export type InitProducerIdRequest = BodyOf<typeof initProducerIdRequest>

export const initProducerIdResponse = response(initProducerIdRequest, {
  throttleTimeMs: int32.or(0),
  errorCode: int16,
  producerId: offset64.or(-1),
  producerEpoch: int16
})

export type InitProducerIdResponse = BodyOf<typeof initProducerIdResponse>
export type InitProducerIdResponseInput = InputOf<typeof initProducerIdResponse>
