import { bool, defaulted, int, json, list, nearestLong, struct, text } from '../codec/index.ts'

/** One topic of a consumer group, and which of its messages the group wants. */
export const subscriptionData = struct({
  topic: text,
  /** `*`, `TagA || TagB`, or SQL92. */
  subString: defaulted(text, '*'),
  tagsSet: list(text),
  /** String.hashCode of each tag. Go sends them as texts. */
  codeSet: list(int),
  /** Milliseconds; Go counts nanoseconds, which are only compared. */
  subVersion: defaulted(nearestLong, 0),
  /** `TAG` or `SQL92`. */
  expressionType: defaulted(text, 'TAG'),
  classFilterMode: defaulted(bool, false)
})

export const consumerData = struct({
  groupName: text,
  /** CONSUME_ACTIVELY (pull, lite pull), CONSUME_PASSIVELY (push) or CONSUME_POP. */
  consumeType: defaulted(text, 'CONSUME_PASSIVELY'),
  /** CLUSTERING or BROADCASTING. */
  messageModel: defaulted(text, 'CLUSTERING'),
  /** CONSUME_FROM_LAST_OFFSET, CONSUME_FROM_FIRST_OFFSET, CONSUME_FROM_TIMESTAMP and older ones; UNKNOWN from Go. */
  consumeFromWhere: defaulted(text, 'CONSUME_FROM_LAST_OFFSET'),
  subscriptionDataSet: list(subscriptionData),
  unitMode: defaulted(bool, false)
})

export const producerData = struct({ groupName: text })

/** Who a client is and which groups it takes part in; each of its heartbeats says all of it. */
export const heartbeatData = json(
  struct({
    clientID: text,
    producerDataSet: list(producerData),
    consumerDataSet: list(consumerData),
    /** Of 5.x: not 0 where the client speaks heartbeat V2. */
    heartbeatFingerprint: defaulted(int, 0),
    /** Of heartbeat V2: the subscriptions are left out and stay as they were. */
    withoutSub: defaulted(bool, false)
  })
)
