import { bool, list, optional, struct, table, text } from '../codec/index.ts'

/** A broker and its addresses by broker id, '0' being the master. */
export const brokerData = struct({
  cluster: text,
  brokerName: text,
  brokerAddrs: table(text),
  /** Of 5.x; nothing without replicas. */
  enableActingMaster: optional(bool)
})

/** All brokers by name, and the names of each cluster's. */
export const clusterInfo = struct({
  brokerAddrTable: table(brokerData),
  clusterAddrTable: table(list(text))
})
