import { queueOffsets } from '../bodies/offsets.ts'
import {
  bool,
  clampedLong,
  defaulted,
  header,
  int,
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
    isForce: defaulted(bool, false),
    /** -1: those that the body names. */
    queueId: defaulted(int, -1)
  }),
  /** Go takes this spelling of the map only where no space is in it. */
  body: json(struct({ offsetTable: queueOffsets }))
})
