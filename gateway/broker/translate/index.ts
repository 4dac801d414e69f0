/**
 * Records as RocketMQ messages, and the other way round: pure functions, and caches of what is costly to make again.
 * docs/mapping.md says what becomes of what.
 */
export * from './batch-for-kafka.ts'
export * from './body-compression.ts'
export * from './client-batch.ts'
export * from './decoded-batches.ts'
export * from './hosts.ts'
export * from './kafka-batches.ts'
export {
  kafkaKeyName,
  kafkaTruncatedName,
  kafkaValueName
} from './kafka-properties.ts'
export * from './message-codec.ts'
export * from './message-ids.ts'
export * from './message-of-record.ts'
export * from './physical-offset.ts'
export * from './properties.ts'
export * from './property-names.ts'
export {
  recordOfMessage,
  recordTimestampMax
} from './record-of-message.ts'
export * from './send-edits.ts'
export * from './sys-flags.ts'
export * from './tags.ts'
export { type CacheFigures, WeightedCache } from './weighted-cache.ts'
