/** The checks of a partition's records before they are appended, in the order in which Kafka's broker makes them. */
import { codecMask, codecs, transactionalBit } from '../../../storage/batch/attributes.ts'
import { CompressionError } from '../../../storage/batch/compression-limits.ts'
import {
  type BatchFault,
  type BatchFaultCode,
  isBatchFault,
  parseBatch
} from '../../../storage/batch/parse-batch.ts'
import { batchHeaderBytes, type RecordBatch } from '../../../storage/batch/record-batch.ts'
import { decodeRecords, recordsBlock } from '../../../storage/batch/records.ts'
import type { AppendSettings } from '../../broker/configs.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'

/** What is wrong, and with which records where it is theirs. */
export interface Refusal {
  readonly errorCode: ErrorCode
  readonly text: string
  readonly badRecords?: readonly number[]
}

/** What a batch is checked against. */
export interface CheckedFor {
  readonly version: number
  /** Nobody may write to the topic. */
  readonly closed: boolean
  readonly settings: AppendSettings
  readonly stampAppendTime: boolean
  readonly nowMs: number
}

/** Bytes of a batch up to its attributes. */
const attributesEnd = 23
/** The first version in which zstd may be sent (KIP-110). */
const firstWithZstd = 7
/** How many bad records of a batch are named. */
const badRecordsMax = 100

const faultErrors = {
  'too-short': errorCodes.INVALID_RECORD,
  length: errorCodes.CORRUPT_MESSAGE,
  magic: errorCodes.INVALID_RECORD,
  crc: errorCodes.CORRUPT_MESSAGE,
  codec: errorCodes.UNSUPPORTED_COMPRESSION_TYPE,
  count: errorCodes.INVALID_RECORD,
  'offset-delta': errorCodes.INVALID_RECORD,
  control: errorCodes.INVALID_RECORD,
  'base-offset': errorCodes.INVALID_RECORD,
  sequence: errorCodes.INVALID_RECORD,
  timestamp: errorCodes.INVALID_TIMESTAMP,
  records: errorCodes.INVALID_RECORD
} as const satisfies Record<BatchFaultCode, ErrorCode>

/** Whether the first batch is part of a transaction. Looks at as little as may be there. */
export function hasTransactionalBatch(records: Buffer): boolean {
  return records.length >= attributesEnd && (records.readInt16BE(21) & transactionalBit) !== 0
}

/** The one batch of a partition, or why it is refused. A promise only where the records must be inflated. */
export function checkBatch(
  records: Buffer | null,
  checkedFor: CheckedFor
): RecordBatch | Refusal | Promise<RecordBatch | Refusal> {
  const early = checkOutside(records, checkedFor)
  if (early !== undefined) return early
  const batch = parseBatch(records as Buffer, 0)
  if (isBatchFault(batch)) return refusalOf(batch)
  const late = checkTimestamps(batch, checkedFor)
  if (late !== undefined) return late
  return checkedFor.settings.isCompacted ? checkKeys(batch) : batch
}

/** What is seen without trusting, or reading, the records. */
function checkOutside(records: Buffer | null, checkedFor: CheckedFor): Refusal | undefined {
  const { version, closed, settings } = checkedFor
  if (records === null || records.length < batchHeaderBytes) return invalid('no record batch')
  const magic = records[16]
  if (magic !== 2) return invalid(`record format ${magic}, only 2 is served`)
  const batchBytes = records.readInt32BE(8) + 12
  if (batchBytes >= batchHeaderBytes && batchBytes < records.length) {
    return invalid('more than one record batch for a partition')
  }
  const codec = records.readInt16BE(21) & codecMask
  if (codec === codecs.zstd && version < firstWithZstd) {
    const text = `zstd needs version ${firstWithZstd} of the request`
    return { errorCode: errorCodes.UNSUPPORTED_COMPRESSION_TYPE, text }
  }
  if (closed) {
    const text = 'the topic is the server\u2019s own'
    return { errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, text }
  }
  if (records.readInt32BE(0) !== 0 || records.readInt32BE(4) !== 0) {
    return invalid('the base offset is not 0')
  }
  if (records.length > settings.maxBatchBytes) {
    const text = `batch of ${records.length} bytes, the topic takes ${settings.maxBatchBytes}`
    return { errorCode: errorCodes.MESSAGE_TOO_LARGE, text }
  }
  return undefined
}

function invalid(text: string): Refusal {
  return { errorCode: errorCodes.INVALID_RECORD, text }
}

function refusalOf({ fault, text }: BatchFault): Refusal {
  return { errorCode: faultErrors[fault], text }
}

/** KIP-937, by the header's timestamps; -1 means that the producer gave none. */
function checkTimestamps(batch: RecordBatch, checkedFor: CheckedFor): Refusal | undefined {
  const { settings, stampAppendTime, nowMs } = checkedFor
  if (stampAppendTime) return undefined
  const { baseTimestamp, maxTimestamp } = batch
  const { timestampBeforeMaxMs, timestampAfterMaxMs } = settings
  const early = baseTimestamp >= 0 && nowMs - baseTimestamp > timestampBeforeMaxMs
  const late = maxTimestamp >= 0 && maxTimestamp - nowMs > timestampAfterMaxMs
  if (!early && !late) return undefined
  const text = early
    ? `timestamp ${baseTimestamp} is more than ${timestampBeforeMaxMs} ms ago`
    : `timestamp ${maxTimestamp} is more than ${timestampAfterMaxMs} ms ahead`
  return { errorCode: errorCodes.INVALID_TIMESTAMP, text }
}

/** A compacted topic keeps the last record of a key: a record without one can never be kept. */
async function checkKeys(batch: RecordBatch): Promise<RecordBatch | Refusal> {
  const badRecords: number[] = []
  let index = 0
  try {
    const block = await recordsBlock(batch)
    for (const { key } of decodeRecords(batch, block)) {
      if (key === null && badRecords.length < badRecordsMax) badRecords.push(index)
      index++
    }
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    return { errorCode: errorCodes.CORRUPT_MESSAGE, text: error.message }
  }
  if (badRecords.length === 0) return batch
  const text = 'a compacted topic takes no record without a key'
  return { errorCode: errorCodes.INVALID_RECORD, text, badRecords }
}
