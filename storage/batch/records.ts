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

/**
 * One record of an inflated block. Its buffers are slices of the block, made when they are asked for: most readers
 * look at few of them, and each is an object of its own.
 */
export class BatchRecord {
  readonly offset: number
  /** Its own, or the batch's append time where the topic stamps that. */
  readonly timestamp: number
  readonly block: Buffer
  readonly headerCount: number
  /** Where the first header begins in the block. */
  readonly headersAt: number
  /** Where the last one does; without headers, where they end. */
  readonly lastHeaderAt: number
  /** Of the names and values of the headers before the last. */
  readonly bytesBeforeLast: number
  readonly #keyEnd: number
  readonly #keyBytes: number
  readonly #valueEnd: number
  readonly #valueBytes: number

  /** Reads from where the reader is to the record's end; throws CompressionError, corrupt, where none is. */
  constructor(reader: VarintReader, batch: RecordBatch, baseOffset: number) {
    const end = reader.int() + reader.at
    reader.skip(1)
    const timestamp = batch.baseTimestamp + reader.long()
    this.offset = baseOffset + reader.int()
    const isStamped = (batch.attributes & appendTimeBit) !== 0
    this.timestamp = isStamped ? batch.maxTimestamp : timestamp
    this.block = reader.bytes
    this.#keyBytes = reader.skipField()
    this.#keyEnd = reader.at
    this.#valueBytes = reader.skipField()
    this.#valueEnd = reader.at
    const count = reader.int()
    if (count < 0) reader.bad = true
    this.headerCount = count
    this.headersAt = reader.at
    let lastHeaderAt = reader.at
    let [bytesBeforeLast, lastBytes] = [0, 0]
    for (let left = count; left > 0 && !reader.bad; left--) {
      lastHeaderAt = reader.at
      bytesBeforeLast += lastBytes
      const nameBytes = reader.int()
      reader.skip(nameBytes)
      lastBytes = nameBytes + Math.max(reader.skipField(), 0)
    }
    this.lastHeaderAt = lastHeaderAt
    this.bytesBeforeLast = bytesBeforeLast
    if (reader.bad || reader.at !== end) throw malformed()
  }

  get key(): Buffer | null {
    return this.#field(this.#keyEnd, this.#keyBytes)
  }

  get value(): Buffer | null {
    return this.#field(this.#valueEnd, this.#valueBytes)
  }

  get headers(): readonly RecordHeader[] {
    if (this.headerCount === 0) return noHeaders
    const headers: RecordHeader[] = []
    const reader = this.headerReader()
    for (let left = this.headerCount; left > 0; left--)
      headers.push({ name: reader.field() ?? noBytes, value: reader.field() })
    return headers
  }

  /** At the first header. It is one for all records: to be used before another is read. */
  headerReader(at = this.headersAt): VarintReader {
    headerReader.reset(this.block, at, this.block.length)
    return headerReader
  }

  #field(end: number, bytes: number): Buffer | null {
    return bytes < 0 ? null : this.block.subarray(end - bytes, end)
  }
}

const noHeaders: readonly RecordHeader[] = []
const headerReader = new VarintReader()

const noBytes = Buffer.alloc(0)

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
    yield new BatchRecord(reader, batch, baseOffset)
  }
  if (reader.at !== block.length) throw corrupt('bytes after the last record of a batch')
}

/** One for all: it is used up before anything else happens. */
const recordReader = new VarintReader()

/** The record at a place that RecordPlaces found. */
export function recordFrom(batch: RecordBatch, block: Buffer, start: number): BatchRecord {
  recordReader.reset(block, start, block.length)
  return new BatchRecord(recordReader, batch, baseOffsetOf(batch))
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
      return new BatchRecord(reader, batch, baseOffset)
    }
    if (reader.bad || end < reader.at || end > block.length) throw malformed()
    reader.reset(block, end, block.length)
  }
  return undefined
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
