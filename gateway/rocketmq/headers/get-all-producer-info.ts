import { producerTable } from '../bodies/connections.ts'
import { json, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getAllProducerInfoRequest = request(requestCodes.GET_ALL_PRODUCER_INFO, {
  responseBody: json(producerTable)
})
