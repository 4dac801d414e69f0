/** The records inside a batch. */
import { appendTimeBit, codecOf } from './attributes.ts'
import { inflate } from './compression.ts'
import { corrupt } from './compression-limits.ts'
import { baseOffsetOf } from './patch-batch.ts'
import { batchHeaderBytes, type RecordBatch } from './record-batch.ts'
import { VarintReader } from './varint.ts'

export interface RecordHeader {
  readonly name: Buffer
  readonly value: Buffer | null
}

/** One record; its buffers are slices of the (inflated) batch. */
export interface BatchRecord {
  readonly offset: number
  /** Its own, or the batch's append time where the topic stamps that. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/**
 * The records of a batch, inflated where it is compressed. Rejects with CompressionError ('corrupt' too where the
 * inflated bytes are no records, 'too-large' beyond `bytesMax`).
 */
export async function records(batch: RecordBatch, bytesMax?: number): Promise<BatchRecord[]> {
  return [...decodeRecords(batch, await recordsBlock(batch, bytesMax))]
}

/** What follows the header, inflated. */
export async function recordsBlock(batch: RecordBatch, bytesMax?: number): Promise<Buffer> {
  const codec = codecOf(batch.attributes)
  if (codec === undefined) throw corrupt(`codec of the attributes ${batch.attributes}`)
  return await inflate(codec, batch.bytes.subarray(batchHeaderBytes), bytesMax)
}

/** Decodes one record after the other from an inflated block; throws CompressionError where it is none. */
export function* decodeRecords(batch: RecordBatch, block: Buffer): Generator<BatchRecord> {
  const reader = new VarintReader()
  reader.reset(block, 0, block.length)
  const baseOffset = baseOffsetOf(batch)
  for (let index = 0; index < batch.recordCount; index++) {
    yield readRecord(reader, batch, baseOffset)
  }
  if (reader.at !== block.length) throw corrupt('bytes after the last record of a batch')
}

/** The record at a place that RecordPlaces found. */
export function recordFrom(batch: RecordBatch, block: Buffer, start: number): BatchRecord {
  const reader = new VarintReader()
  reader.reset(block, start, block.length)
  return readRecord(reader, batch, baseOffsetOf(batch))
}

/** The record with that offset alone, the others passed over by their lengths; undefined if there is none. */
export function recordAt(
  batch: RecordBatch,
  block: Buffer,
  offset: number
): BatchRecord | undefined {
  const reader = new VarintReader()
  reader.reset(block, 0, block.length)
  const baseOffset = baseOffsetOf(batch)
  for (let index = 0; index < batch.recordCount; index++) {
    const start = reader.at
    const end = reader.int() + reader.at
    reader.skip(1)
    reader.long()
    if (baseOffset + reader.int() === offset) {
      reader.reset(block, start, block.length)
      return readRecord(reader, batch, baseOffset)
    }
    if (reader.bad || end < reader.at || end > block.length) throw malformed()
    reader.reset(block, end, block.length)
  }
  return undefined
}

function readRecord(reader: VarintReader, batch: RecordBatch, baseOffset: number): BatchRecord {
  const end = reader.int() + reader.at
  reader.skip(1)
  const timestamp = batch.baseTimestamp + reader.long()
  const delta = reader.int()
  const key = slice(reader)
  const value = slice(reader)
  const headers = headersOf(reader)
  if (reader.bad || reader.at !== end) throw malformed()
  const isStamped = (batch.attributes & appendTimeBit) !== 0
  return {
    offset: baseOffset + delta,
    timestamp: isStamped ? batch.maxTimestamp : timestamp,
    key,
    value,
    headers
  }
}

function malformed(): Error {
  return corrupt('a record of a batch is malformed')
}

/** The first record of the batch, from `fromOffset` on, that is at or after `timestampMs`; undefined if none is. */
export async function firstRecordAtOrAfter(
  batch: RecordBatch,
  timestampMs: number,
  fromOffset = 0
): Promise<BatchRecord | undefined> {
  if (batch.maxTimestamp < timestampMs) return undefined
  for (const record of decodeRecords(batch, await recordsBlock(batch))) {
    if (record.timestamp >= timestampMs && record.offset >= fromOffset) return record
  }
  return undefined
}

/** The record with the greatest timestamp, the first of several; undefined for a batch without records. */
export async function recordWithMaxTimestamp(batch: RecordBatch): Promise<BatchRecord | undefined> {
  let best: BatchRecord | undefined
  for (const record of decodeRecords(batch, await recordsBlock(batch))) {
    if (!best || record.timestamp > best.timestamp) best = record
  }
  return best
}

function slice(reader: VarintReader): Buffer | null {
  const length = reader.int()
  if (length < 0) {
    if (length < -1) reader.bad = true
    return null
  }
  const start = reader.at
  reader.skip(length)
  return reader.bytes.subarray(start, reader.at)
}

function headersOf(reader: VarintReader): readonly RecordHeader[] {
  const count = reader.int()
  if (count === 0) return noHeaders
  if (count < 0) reader.bad = true
  const headers: RecordHeader[] = []
  while (headers.length < count && !reader.bad) {
    const name = slice(reader)
    const value = slice(reader)
    if (name === null) reader.bad = true
    else headers.push({ name, value })
  }
  return headers
}

const noHeaders: readonly RecordHeader[] = []
