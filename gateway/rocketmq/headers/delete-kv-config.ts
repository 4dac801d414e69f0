import { header, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const deleteKvConfigRequest = request(requestCodes.DELETE_KV_CONFIG, {
  header: header({ namespace: text, key: text })
})
