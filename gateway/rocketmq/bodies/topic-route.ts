import { int, json, list, optional, struct, table, text } from '../codec/index.ts'
import { brokerData } from './cluster-info.ts'

export const queueData = struct({
  brokerName: text,
  readQueueNums: int,
  writeQueueNums: int,
  /** Bits: 4 read, 2 write, 1 inherit (TBW102 alone). */
  perm: int,
  topicSysFlag: int
})

/**
 * Where a topic's queues are. Clients compare a route with the one before it to see a change, so brokers and queues must
 * come in the same order each time.
 */
export const topicRoute = json(
  struct({
    brokerDatas: list(brokerData),
    /** Empty, never absent. */
    filterServerTable: table(list(text)),
    /** Of topics with a global order, `broker:queues;...`; otherwise left out. */
    orderTopicConf: optional(text),
    queueDatas: list(queueData)
  })
)
