/** Makes record batches: control records, packed records, tests. */
import { crc32c } from '@node-rs/crc32'
import {
  appendTimeBit,
  type CodecName,
  codecs,
  controlBit,
  transactionalBit
} from './attributes.ts'
import { deflateSync } from './compression.ts'
import { writeApproximateInt64 } from './int64.ts'
import { batchOf } from './parse-batch.ts'
import { batchHeaderBytes, batchUncheckedBytes, type RecordBatch } from './record-batch.ts'
import { varintBytes, writeVarint } from './varint.ts'

export interface NewRecord {
  /** ms since the epoch; -1 for none. */
  readonly timestamp: number
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly { readonly name: Buffer; readonly value: Buffer | null }[]
}

export interface BatchOptions {
  readonly baseOffset?: number
  readonly leaderEpoch?: number
  readonly codec?: CodecName
  /** Stands in for deflating with `codec`: what follows the header, already compressed. */
  readonly deflate?: (block: Buffer) => Buffer
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
  /** Marks the batch with the append time bit and this time. */
  readonly appendTimeMs?: number
}

/** `records` is not empty. Base timestamp is the first record's, as Kafka's own producer has it. */
export function encodeBatch(
  records: readonly NewRecord[],
  options: BatchOptions = {}
): RecordBatch {
  const codec = options.codec ?? 'none'
  const baseTimestamp = records[0]!.timestamp
  const plain = encodeRecords(records, baseTimestamp)
  const block = options.deflate ? options.deflate(plain) : deflateSync(codec, plain)
  const bytes = Buffer.allocUnsafe(batchHeaderBytes + block.length)
  let attributes: number = codecs[codec]
  if (options.transactional) attributes |= transactionalBit
  if (options.control) attributes |= controlBit
  if (options.appendTimeMs !== undefined) attributes |= appendTimeBit
  let maxTimestamp = -1
  for (const record of records) maxTimestamp = Math.max(maxTimestamp, record.timestamp)
  writeApproximateInt64(bytes, 0, options.baseOffset ?? 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt32BE(options.leaderEpoch ?? -1, 12)
  bytes[16] = 2
  bytes.writeInt16BE(attributes, 21)
  bytes.writeInt32BE(records.length - 1, 23)
  writeApproximateInt64(bytes, 27, baseTimestamp)
  writeApproximateInt64(bytes, 35, options.appendTimeMs ?? maxTimestamp)
  writeApproximateInt64(bytes, 43, options.producerId ?? -1)
  bytes.writeInt16BE(options.producerEpoch ?? -1, 51)
  bytes.writeInt32BE(options.baseSequence ?? -1, 53)
  bytes.writeInt32BE(records.length, 57)
  block.copy(bytes, batchHeaderBytes)
  bytes.writeUInt32BE(crc32c(bytes.subarray(batchUncheckedBytes)), 17)
  return batchOf(bytes)
}

function encodeRecords(records: readonly NewRecord[], baseTimestamp: number): Buffer {
  const lengths = records.map((record, index) => bodyBytes(record, index, baseTimestamp))
  let total = 0
  for (const length of lengths) total += varintBytes(length) + length
  const target = Buffer.allocUnsafe(total)
  let at = 0
  records.forEach((record, index) => {
    at = writeVarint(target, lengths[index]!, at)
    target[at++] = 0
    at = writeVarint(target, record.timestamp - baseTimestamp, at)
    at = writeVarint(target, index, at)
    at = writeField(target, record.key, at)
    at = writeField(target, record.value, at)
    const headers = record.headers ?? []
    at = writeVarint(target, headers.length, at)
    for (const { name, value } of headers) {
      at = writeField(target, name, at)
      at = writeField(target, value, at)
    }
  })
  return target
}

function bodyBytes(record: NewRecord, index: number, baseTimestamp: number): number {
  const headers = record.headers ?? []
  let bytes = 1 + varintBytes(record.timestamp - baseTimestamp) + varintBytes(index)
  bytes += fieldBytes(record.key) + fieldBytes(record.value) + varintBytes(headers.length)
  for (const { name, value } of headers) bytes += fieldBytes(name) + fieldBytes(value)
  return bytes
}

function fieldBytes(field: Buffer | null | undefined): number {
  return field ? varintBytes(field.length) + field.length : 1
}

function writeField(target: Buffer, field: Buffer | null | undefined, at: number): number {
  if (!field) return writeVarint(target, -1, at)
  const start = writeVarint(target, field.length, at)
  return start + field.copy(target, start)
}
