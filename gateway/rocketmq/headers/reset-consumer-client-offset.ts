import { queueOffsets } from '../bodies/offsets.ts'
import {
  bool,
  clampedLong,
  defaulted,
  header,
  json,
  request,
  struct,
  text
} from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** To a client, one-way. */
export const resetConsumerClientOffsetRequest = request(requestCodes.RESET_CONSUMER_CLIENT_OFFSET, {
  header: header({
    topic: text,
    group: text,
    timestamp: clampedLong,
    isForce: defaulted(bool, false)
  }),
  /** Go takes this spelling of the map only where no space is in it. */
  body: json(struct({ offsetTable: queueOffsets }))
})
