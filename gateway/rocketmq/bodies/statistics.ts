import { defaulted, double, keyed, list, long, struct, table, text } from '../codec/index.ts'
import { messageQueue } from './message-queue.ts'

export const topicStats = struct({
  offsetTable: keyed(
    messageQueue,
    struct({
      minOffset: long,
      maxOffset: long,
      /** When the last message was stored, ms; 0 if there is none. */
      lastUpdateTimestamp: long
    })
  ),
  topicPutTps: defaulted(double, 0)
})

export const consumeStats = struct({
  offsetTable: keyed(
    messageQueue,
    struct({
      /** The queue's end. */
      brokerOffset: long,
      consumerOffset: long,
      /** As far as consumers have pulled. */
      pullOffset: defaulted(long, 0),
      /** When the message that is consumed next was stored, ms. */
      lastTimestamp: long
    })
  ),
  consumeTps: defaulted(double, 0)
})

export const brokerConsumeStats = struct({
  /** Each entry has one group, and of it one element a topic. */
  consumeStatsList: list(table(list(consumeStats))),
  brokerAddr: text,
  totalDiff: long,
  totalInflightDiff: defaulted(long, 0)
})

const statsItem = struct({ sum: long, tps: double, avgpt: double })

export const brokerStats = struct({
  statsMinute: statsItem,
  statsHour: statsItem,
  statsDay: statsItem
})

export const consumeTimeSpans = struct({
  consumeTimeSpanSet: list(
    struct({
      messageQueue,
      minTimeStamp: long,
      maxTimeStamp: long,
      consumeTimeStamp: long,
      /** How long the message that is consumed next has waited, ms; 0 where nothing waits. */
      delayTime: long
    })
  )
})
