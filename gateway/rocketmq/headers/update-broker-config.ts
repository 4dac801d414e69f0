import { propertyLines, request } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const updateBrokerConfigRequest = request(requestCodes.UPDATE_BROKER_CONFIG, {
  body: propertyLines
})
