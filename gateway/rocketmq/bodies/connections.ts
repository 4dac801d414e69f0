import { int, list, long, struct, table, text } from '../codec/index.ts'
import { subscriptionData } from './heartbeat.ts'

/** A client that is connected. */
export const connection = struct({
  clientId: text,
  /** ADDRESS:PORT. */
  clientAddr: text,
  language: text,
  version: int
})

export const consumerConnections = struct({
  connectionSet: list(connection),
  /** By topic. */
  subscriptionTable: table(subscriptionData),
  consumeType: text,
  messageModel: text,
  consumeFromWhere: text
})

export const producerConnections = struct({ connectionSet: list(connection) })

/** All producers that are connected, by group. */
export const producerTable = struct({
  data: table(
    list(
      struct({
        clientId: text,
        /** ADDRESS:PORT. */
        remoteIP: text,
        language: text,
        version: int,
        lastUpdateTimestamp: long
      })
    )
  )
})
