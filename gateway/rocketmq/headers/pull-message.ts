import {
  bytes,
  clampedLong,
  defaulted,
  header,
  int,
  long,
  nearestLong,
  optional,
  request,
  text
} from '../codec/index.ts'
import { requestCodes } from '../request-codes.ts'

/** Bits of sysFlag (PullSysFlag). */
export const pullFlags = {
  /** commitOffset is the group's new offset. */
  commitOffset: 1,
  /** Wait for messages, up to suspendTimeoutMillis. */
  suspend: 2,
  /** subscription and expressionType are those to filter by, not the heartbeat's. */
  subscription: 4,
  classFilter: 8,
  litePull: 16
} as const

const parts = {
  header: header(
    {
      consumerGroup: text,
      topic: text,
      queueId: int,
      queueOffset: long,
      maxMsgNums: int,
      /** `pullFlags`, or'ed. */
      sysFlag: int,
      commitOffset: long,
      suspendTimeoutMillis: defaulted(clampedLong, 0),
      subscription: optional(text),
      /** Go says 0, though its heartbeats count nanoseconds. */
      subVersion: defaulted(nearestLong, 0),
      /** Go says TAG whatever its consumer subscribed with. */
      expressionType: defaulted(text, 'TAG'),
      /** Of 5.x. */
      maxMsgBytes: optional(int),
      requestSource: optional(int),
      proxyFrowardClientId: optional(text),
      brokerName: optional(text)
    },
    { brokerName: 'bname' }
  ),
  /** Also where nothing was found: Java throws where one of the first four is missing. */
  responseHeader: header({
    suggestWhichBrokerId: long,
    nextBeginOffset: long,
    minOffset: long,
    maxOffset: long,
    offsetDelta: optional(long),
    topicSysFlag: optional(int),
    groupSysFlag: optional(int),
    forbiddenType: optional(int)
  }),
  /** Stored messages, one behind the other. With SUCCESS there must be at least one. */
  responseBody: bytes
}

export const pullMessageRequest = request(requestCodes.PULL_MESSAGE, parts)
/** The same, of lite pull consumers from 5.x on. */
export const litePullMessageRequest = request(requestCodes.LITE_PULL_MESSAGE, parts)
