import { header, json, request, struct, table, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getKvlistByNamespaceRequest = request(requestCodes.GET_KVLIST_BY_NAMESPACE, {
  header: header({ namespace: text }),
  responseBody: json(struct({ table: table(text) }))
})
