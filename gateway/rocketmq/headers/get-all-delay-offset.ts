import { dataVersion } from '../bodies/data-version.ts'
import { json, long, request, struct, table } from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const getAllDelayOffsetRequest = request(requestCodes.GET_ALL_DELAY_OFFSET, {
  responseBody: json(
    struct({
      /** How far each delay level has come, by its number. */
      offsetTable: table(long),
      dataVersion
    })
  )
})
