import { header, propertyLines, request, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getBrokerConfigRequest = request(requestCodes.GET_BROKER_CONFIG, {
  responseHeader: header({
    /** JSON of a DataVersion. */
    version: text
  }),
  responseBody: propertyLines
})
