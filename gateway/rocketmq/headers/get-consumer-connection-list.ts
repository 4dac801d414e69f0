import { consumerConnections } from '../bodies/connections.ts'
import { header, json, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getConsumerConnectionListRequest = request(requestCodes.GET_CONSUMER_CONNECTION_LIST, {
  header: header({ consumerGroup: text }),
  responseBody: json(consumerConnections)
})
