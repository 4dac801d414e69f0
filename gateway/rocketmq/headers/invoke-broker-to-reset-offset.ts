import { queueOffsets } from '../bodies/offsets.ts'
import {
  bool,
  clampedLong,
  defaulted,
  header,
  int,
  json,
  long,
  optional,
  request,
  struct,
  text
} from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

export const invokeBrokerToResetOffsetRequest = request(
  requestCodes.INVOKE_BROKER_TO_RESET_OFFSET,
  {
    header: header({
      topic: text,
      group: text,
      /** -1: the end. */
      timestamp: clampedLong,
      isForce: defaulted(bool, false),
      /** -1: all. */
      queueId: defaulted(int, -1),
      /** Instead of a time; with queueId. */
      offset: optional(long)
    }),
    responseBody: json(struct({ offsetTable: queueOffsets }))
  }
)
