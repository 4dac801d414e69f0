import { header, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getKvConfigRequest = request(requestCodes.GET_KV_CONFIG, {
  header: header({ namespace: text, key: text }),
  responseHeader: header({ value: text })
})
