import {
  bigLong,
  bool,
  bytes,
  clampedLong,
  defaulted,
  header,
  int,
  long,
  request,
  text
} from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const queryMessageRequest = request(requestCodes.QUERY_MESSAGE, {
  header: header(
    {
      topic: text,
      key: text,
      maxNum: int,
      /** Store times, ms. Tools ask up to Long.MAX_VALUE. */
      beginTimestamp: clampedLong,
      endTimestamp: clampedLong,
      /** The key is a UNIQ_KEY, not one of KEYS. */
      isUniqueKey: defaulted(bool, false)
    },
    { isUniqueKey: '_UNIQUE_KEY_QUERY' }
  ),
  responseHeader: header({
    indexLastUpdateTimestamp: long,
    indexLastUpdatePhyoffset: bigLong
  }),
  responseBody: bytes
})
