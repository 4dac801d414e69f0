/** From bytes to record batches, with the checks that Kafka's LogValidator and DefaultRecordBatch make. */
import { crc32c } from '@node-rs/crc32'
import { appendTimeBit, codecMask, codecOf, controlBit } from './attributes.ts'
import { approximateInt64 } from './int64.ts'
import { batchHeaderBytes, batchUncheckedBytes, type RecordBatch } from './record-batch.ts'
import { walkRecords } from './walk-records.ts'

/** Why bytes are no batch that may be stored; the list is closed, so that gateways can map it. */
export const batchFaultCodes = [
  /** Not even a magic byte is there. */
  'too-short',
  /** The length field says less than a header or more than there is. */
  'length',
  /** A message set of the formats 0 and 1, or none at all. */
  'magic',
  'crc',
  /** A codec number without a meaning. */
  'codec',
  /** No records, or a count below zero. */
  'count',
  /** The last offset delta and the count contradict each other. */
  'offset-delta',
  /** A client sent a control batch. */
  'control',
  /** A client sent a base offset that is not 0. */
  'base-offset',
  /** An idempotent batch without a sequence, or a producer id that nobody handed out. */
  'sequence',
  /** A client set the append time bit, or a timestamp is beyond what a number holds. */
  'timestamp',
  /** The records do not fill the batch exactly. */
  'records'
] as const
export type BatchFaultCode = (typeof batchFaultCodes)[number]

export interface BatchFault {
  readonly fault: BatchFaultCode
  readonly text: string
  /** Where the batch began in the bytes that were parsed. */
  readonly start: number
}

/** Which of the checks that cost time, or that only a producer must meet, are made. */
export interface BatchChecks {
  readonly crc: boolean
  /** Walk the records of an uncompressed batch: lengths, count and offset deltas must fit exactly. */
  readonly records: boolean
  /** A producer sent it: base offset 0, no control or append time bit, no gaps. */
  readonly fromClient: boolean
}

export const clientBatch: BatchChecks = { crc: true, records: true, fromClient: true }
/** What the log gave back: gaps and control batches are fine. */
export const storedBatch: BatchChecks = { crc: true, records: false, fromClient: false }

export function isBatchFault<T>(value: T | BatchFault): value is BatchFault {
  return typeof value === 'object' && value !== null && 'fault' in value
}

/** The batch that starts at `start`; `bytes` of the result are a slice, not a copy. */
export function parseBatch(
  bytes: Buffer,
  start: number,
  checks: BatchChecks = clientBatch
): RecordBatch | BatchFault {
  const there = bytes.length - start
  if (start < 0 || there <= 16) {
    return { fault: 'too-short', text: `${Math.max(there, 0)} bytes are no record batch`, start }
  }
  const magic = bytes[start + 16]
  if (magic !== 2) return { fault: 'magic', text: `magic ${magic}, only 2 is stored`, start }
  const length = bytes.readInt32BE(start + 8) + 12
  if (length < batchHeaderBytes || length > there) {
    return { fault: 'length', text: `batch of ${length} bytes in ${there}`, start }
  }
  const slice = bytes.subarray(start, start + length)
  if (checks.crc) {
    const said = slice.readUInt32BE(17)
    const is = crc32c(slice.subarray(batchUncheckedBytes))
    if (is !== said) return { fault: 'crc', text: `CRC-32C is ${is}, header says ${said}`, start }
  }
  const batch = batchOf(slice)
  const fault = headerFault(batch, checks) ?? recordsFault(batch, checks)
  return fault ? { ...fault, start } : batch
}

/** A whole records field: one batch or more, nothing after the last one. */
export function parseBatches(
  bytes: Buffer,
  checks: BatchChecks = clientBatch
): readonly RecordBatch[] | BatchFault {
  const batches: RecordBatch[] = []
  let at = 0
  do {
    const batch = parseBatch(bytes, at, checks)
    if (isBatchFault(batch)) return batch
    batches.push(batch)
    at += batch.bytes.length
  } while (at < bytes.length)
  return batches
}

/** What the header of a batch already known to be whole says. */
export function batchOf(bytes: Buffer): RecordBatch {
  return {
    bytes,
    attributes: bytes.readInt16BE(21),
    lastOffsetDelta: bytes.readInt32BE(23),
    recordCount: bytes.readInt32BE(57),
    baseTimestamp: approximateInt64(bytes, 27),
    maxTimestamp: approximateInt64(bytes, 35),
    producerId: approximateInt64(bytes, 43),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53)
  }
}

type Fault = Omit<BatchFault, 'start'>

function headerFault(batch: RecordBatch, checks: BatchChecks): Fault | undefined {
  const { attributes, recordCount, lastOffsetDelta, producerId } = batch
  const { fromClient } = checks
  if (codecOf(attributes) === undefined) {
    return { fault: 'codec', text: `codec ${attributes & codecMask}` }
  }
  // A cleaner may leave a batch without records, and gaps between those it keeps.
  if (recordCount < (fromClient ? 1 : 0)) return { fault: 'count', text: `${recordCount} records` }
  const last = recordCount - 1
  if (lastOffsetDelta < last || lastOffsetDelta < 0 || (fromClient && lastOffsetDelta !== last)) {
    const text = `last offset delta ${lastOffsetDelta} with ${recordCount} records`
    return { fault: 'offset-delta', text }
  }
  if (!Number.isSafeInteger(producerId)) return { fault: 'sequence', text: 'producer id too large' }
  if (!Number.isSafeInteger(batch.maxTimestamp) || !Number.isSafeInteger(batch.baseTimestamp)) {
    return { fault: 'timestamp', text: 'timestamp beyond 2^53 ms' }
  }
  return fromClient ? clientFault(batch) : undefined
}

function clientFault(batch: RecordBatch): Fault | undefined {
  if ((batch.attributes & controlBit) !== 0) {
    return { fault: 'control', text: 'clients may not write control records' }
  }
  if (batch.bytes.readInt32BE(0) !== 0 || batch.bytes.readInt32BE(4) !== 0) {
    return { fault: 'base-offset', text: `base offset ${approximateInt64(batch.bytes, 0)}, not 0` }
  }
  if (batch.producerId >= 0 && (batch.baseSequence < 0 || batch.producerEpoch < 0)) {
    const { producerEpoch, baseSequence } = batch
    const text = `epoch ${producerEpoch}, sequence ${baseSequence} with a producer id`
    return { fault: 'sequence', text }
  }
  if ((batch.attributes & appendTimeBit) !== 0) {
    return { fault: 'timestamp', text: 'the append time bit is the server\u2019s to set' }
  }
  return undefined
}

function recordsFault(batch: RecordBatch, checks: BatchChecks): Fault | undefined {
  if (!checks.records || (batch.attributes & codecMask) !== 0) return undefined
  const text = walkRecords(batch, checks.fromClient)
  return text === undefined ? undefined : { fault: 'records', text }
}
