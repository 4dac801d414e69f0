/**
 * Records as RocketMQ messages, and the other way round: pure functions, and caches of what is costly to make again.
 * docs/mapping.md says what becomes of what.
 */
export * from './client-batch.ts'
export * from './hosts.ts'
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
  type PackedRecord,
  recordOfMessage,
  recordTimestampMax
} from './record-of-message.ts'
export * from './send-edits.ts'
export * from './sys-flags.ts'
export * from './tags.ts'
