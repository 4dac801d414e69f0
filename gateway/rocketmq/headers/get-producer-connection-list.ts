import { producerConnections } from '../bodies/connections.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getProducerConnectionListRequest = request(requestCodes.GET_PRODUCER_CONNECTION_LIST, {
  header: header({ producerGroup: text }),
  responseBody: json(producerConnections)
})
