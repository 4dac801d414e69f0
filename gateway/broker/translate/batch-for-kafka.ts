/**
 * A stored batch as Kafka readers get it, where bodies in it are compressed in RocketMQ's way: inflated, and the
 * sysFlag in the header `rmq` with them. Everything else is byte for byte what is stored: offsets, times, the other
 * records, the batch's header but for length and CRC.
 */
import { crc32c } from '@node-rs/crc32'
import { codecMask } from '../../../storage/batch/attributes.ts'
import { CompressionError } from '../../../storage/batch/compression-limits.ts'
import { batchOf } from '../../../storage/batch/parse-batch.ts'
import {
  batchHeaderBytes,
  batchUncheckedBytes,
  type RecordBatch
} from '../../../storage/batch/record-batch.ts'
import { VarintReader, varintBytes, writeVarint } from '../../../storage/batch/varint.ts'
import { inflateBody } from './body-compression.ts'
import { fieldBytes, writeField } from './record-of-message.ts'
import { decodeRmqHeader, rmqHeaderName, withSysFlag } from './rmq-header.ts'
import { compressedFlag, inflatedSysFlag } from './sys-flags.ts'

/** What one body may inflate to: four times what RocketMQ's clients send by default. */
export const inflatedBodyBytesMax = 16 * 1024 * 1024
/** What all bodies of one batch may inflate to, together. */
export const inflatedBatchBytesMax = 32 * 1024 * 1024

export interface InflatedBatch {
  /** The batch given, where no body of it was inflated. */
  readonly batch: RecordBatch
  readonly inflated: number
  /** Offset deltas of records whose bodies stay compressed, and why: too large, or not what they say. */
  readonly left: readonly { readonly offsetDelta: number; readonly reason: string }[]
}

/** For a batch of a run that is flagged so; of any other batch nothing changes. Never rejects. */
export async function inflateBodies(
  batch: RecordBatch,
  bodyBytesMax = inflatedBodyBytesMax,
  batchBytesMax = inflatedBatchBytesMax
): Promise<InflatedBatch> {
  const left: { offsetDelta: number; reason: string }[] = []
  const unchanged = { batch, inflated: 0, left }
  if ((batch.attributes & codecMask) !== 0) return unchanged
  const parts = recordsIn(batch)
  if (parts === undefined) return unchanged
  const records: Buffer[] = []
  let inflated = 0
  let room = batchBytesMax
  for (const part of parts) {
    let bytes = part.whole
    if (part.compressed !== undefined) {
      const { body, sysFlag } = part.compressed
      try {
        const plain = await inflateBody(body, sysFlag, Math.min(bodyBytesMax, room))
        room -= plain.length
        bytes = recordWith(batch, part.compressed, plain)
        inflated++
      } catch (error) {
        if (!(error instanceof CompressionError)) throw error
        left.push({ offsetDelta: part.offsetDelta, reason: error.message })
      }
    }
    records.push(bytes)
  }
  return inflated === 0 ? unchanged : { batch: rebuilt(batch, records), inflated, left }
}

interface RecordPart {
  /** With its length in front. */
  readonly whole: Buffer
  readonly offsetDelta: number
  readonly compressed?: CompressedPart
}

/** Where things are in the batch's bytes, so that only the body and the last header's value are made anew. */
interface CompressedPart {
  readonly body: Buffer
  readonly sysFlag: number
  readonly rmq: Buffer
  /** Attributes, time, offset, key: [start, valueAt). */
  readonly start: number
  readonly valueAt: number
  /** Number of headers, all of them but the last one's value: [headersAt, rmqAt). */
  readonly headersAt: number
  readonly rmqAt: number
}

/** Undefined where the bytes are no records. */
function recordsIn(batch: RecordBatch): RecordPart[] | undefined {
  const { bytes, recordCount } = batch
  const reader = new VarintReader()
  reader.reset(bytes, batchHeaderBytes, bytes.length)
  const parts: RecordPart[] = []
  for (let index = 0; index < recordCount; index++) {
    const at = reader.at
    const length = reader.int()
    const start = reader.at
    const end = start + length
    if (reader.bad || length < 0 || end > bytes.length) return undefined
    reader.skip(1)
    reader.long()
    const offsetDelta = reader.int()
    const compressed = compressedPart(reader, start)
    if (reader.bad || reader.at !== end) return undefined
    parts.push({
      whole: bytes.subarray(at, end),
      offsetDelta,
      ...(compressed !== undefined && { compressed })
    })
  }
  return reader.at === bytes.length ? parts : undefined
}

/** Reads key, value and headers; undefined for a record whose body is not compressed. */
function compressedPart(reader: VarintReader, start: number): CompressedPart | undefined {
  reader.skipField()
  const valueAt = reader.at
  const body = reader.field()
  const headersAt = reader.at
  const count = reader.int()
  let name: Buffer | null = null
  let rmq: Buffer | null = null
  let rmqAt = reader.at
  for (let i = 0; i < count && !reader.bad; i++) {
    name = reader.field()
    rmqAt = reader.at
    rmq = reader.field()
  }
  if (reader.bad || body === null || rmq === null || !name?.equals(rmqHeaderName)) return undefined
  const sysFlag = decodeRmqHeader(rmq)?.sysFlag ?? 0
  if ((sysFlag & compressedFlag) === 0) return undefined
  return { body, sysFlag, rmq, start, valueAt, headersAt, rmqAt }
}

function recordWith(batch: RecordBatch, compressed: CompressedPart, plain: Buffer): Buffer {
  const { start, valueAt, headersAt, rmqAt } = compressed
  const rmq = withSysFlag(compressed.rmq, inflatedSysFlag(compressed.sysFlag))
  const front = batch.bytes.subarray(start, valueAt)
  const headers = batch.bytes.subarray(headersAt, rmqAt)
  const length = front.length + fieldBytes(plain) + headers.length + fieldBytes(rmq)
  const target = Buffer.allocUnsafe(varintBytes(length) + length)
  let at = writeVarint(target, length, 0)
  at += front.copy(target, at)
  at = writeField(target, plain, at)
  at += headers.copy(target, at)
  writeField(target, rmq, at)
  return target
}

function rebuilt(batch: RecordBatch, records: readonly Buffer[]): RecordBatch {
  const bytes = Buffer.concat([batch.bytes.subarray(0, batchHeaderBytes), ...records])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeUInt32BE(crc32c(bytes.subarray(batchUncheckedBytes)), 17)
  return batchOf(bytes)
}
