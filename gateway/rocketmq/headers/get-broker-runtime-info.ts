import { json, request, struct, table, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** Tools parse getTotalTps, putTps and their like: each is three numbers with spaces between. */
export const getBrokerRuntimeInfoRequest = request(requestCodes.GET_BROKER_RUNTIME_INFO, {
  responseBody: json(struct({ table: table(text) }))
})
