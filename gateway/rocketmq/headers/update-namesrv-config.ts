import { propertyLines, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const updateNamesrvConfigRequest = request(requestCodes.UPDATE_NAMESRV_CONFIG, {
  body: propertyLines
})
