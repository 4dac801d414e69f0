import { propertyLines, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getNamesrvConfigRequest = request(requestCodes.GET_NAMESRV_CONFIG, {
  responseBody: propertyLines
})
