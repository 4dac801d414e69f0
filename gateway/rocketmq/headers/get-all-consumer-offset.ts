import { dataVersion } from '../bodies/data-version.ts'
import { json, list, long, request, struct, table, text } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getAllConsumerOffsetRequest = request(requestCodes.GET_ALL_CONSUMER_OFFSET, {
  responseBody: json(
    struct({
      /** By TOPIC@GROUP and queue number. */
      offsetTable: table(table(long)),
      /** A group's topics. */
      groupTopicMap: table(list(text)),
      dataVersion
    })
  )
})
