import { bool, defaulted, int, list, long, optional, struct, table, text } from '../codec/index.ts'
import { dataVersion } from './data-version.ts'

/** When a message that could not be consumed comes again; only the default (CUSTOMIZED, the delay levels) is common. */
const groupRetryPolicy = struct({
  /** CUSTOMIZED or EXPONENTIAL. */
  type: defaulted(text, 'CUSTOMIZED'),
  exponentialRetryPolicy: optional(struct({ initial: long, max: long, multiplier: long })),
  customizedRetryPolicy: optional(struct({ next: list(long) }))
})

const simpleSubscription = struct({
  topic: text,
  expressionType: defaulted(text, 'TAG'),
  expression: defaulted(text, '*'),
  version: defaulted(long, 0)
})

/** A consumer group's settings. */
export const subscriptionGroupConfig = struct({
  groupName: text,
  consumeEnable: defaulted(bool, true),
  consumeFromMinEnable: defaulted(bool, true),
  consumeBroadcastEnable: defaulted(bool, true),
  consumeMessageOrderly: defaulted(bool, false),
  retryQueueNums: defaulted(int, 1),
  /** Deliveries after the first before the dead-letter topic. */
  retryMaxTimes: defaulted(int, 16),
  groupRetryPolicy: defaulted(groupRetryPolicy, {
    type: 'CUSTOMIZED',
    exponentialRetryPolicy: undefined,
    customizedRetryPolicy: undefined
  }),
  brokerId: defaulted(long, 0),
  whichBrokerWhenConsumeSlowly: defaulted(long, 1),
  notifyConsumerIdsChangedEnable: defaulted(bool, true),
  groupSysFlag: defaulted(int, 0),
  consumeTimeoutMinute: defaulted(int, 15),
  subscriptionDataSet: optional(list(simpleSubscription)),
  attributes: table(text)
})

/** All groups' settings, by group. Without the field totalGroupNum in the header this is all there is. */
export const subscriptionGroupTable = struct({
  subscriptionGroupTable: table(subscriptionGroupConfig),
  /** By group and topic; never null. */
  forbiddenTable: table(table(int)),
  dataVersion
})
