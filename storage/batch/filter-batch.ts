/**
 * What is left of a batch when some of its records go: offsets, timestamps and the bytes of those that stay are as they
 * were, base offset and last offset delta too. Kafka's MemoryRecords.filterTo.
 */
import { crc32c } from '@node-rs/crc32'
import {
  appendTimeBit,
  codecMask,
  codecOf,
  codecs,
  controlBit,
  deleteHorizonBit,
  transactionalBit
} from './attributes.ts'
import { deflate } from './compression.ts'
import { corrupt } from './compression-limits.ts'
import { writeApproximateInt64 } from './int64.ts'
import { batchOf } from './parse-batch.ts'
import { baseOffsetOf } from './patch-batch.ts'
import { batchHeaderBytes, batchUncheckedBytes, type RecordBatch } from './record-batch.ts'
import { recordsBlock } from './records.ts'
import { VarintReader, varintBytes, writeVarint } from './varint.ts'

/** Times that a varint holds exactly as a number. */
const deltaMax = 2 ** 52

/** A record as whoever chooses needs it. */
export interface ChoosableRecord {
  readonly offset: number
  /** A slice, to be looked at within the call. */
  readonly key: Buffer | null
  readonly hasValue: boolean
}

export interface BatchFilter {
  /** Whether the record stays. Called once for each, in order. */
  readonly keeps: (record: ChoosableRecord) => boolean
  /**
   * Asked once it is known which stay: the delete horizon that the batch gets, ms; undefined to leave it as it is. For
   * batches that have none.
   */
  readonly horizonMs: () => number | undefined
}

export interface FilteredBatch {
  /** The batch itself where nothing changes; undefined where no record is left. */
  readonly batch: RecordBatch | undefined
  readonly removed: number
}

/** The delete horizon of a batch (KIP-534), ms: what may not stay for ever in it stays until then. Undefined: none. */
export function deleteHorizonOf({ attributes, baseTimestamp }: RecordBatch): number | undefined {
  return (attributes & deleteHorizonBit) === 0 ? undefined : baseTimestamp
}

/** A record within a block. */
interface Kept {
  readonly start: number
  readonly end: number
  /** Where its timestamp delta stands, behind length and attributes. */
  readonly deltaAt: number
  readonly timestampDelta: number
  /** Where its offset delta begins. */
  readonly restAt: number
}

/** Rejects with CompressionError where the batch cannot be taken apart or put together. */
export async function filterBatch(batch: RecordBatch, filter: BatchFilter): Promise<FilteredBatch> {
  const block = await recordsBlock(batch)
  const kept = choose(batch, block, filter.keeps)
  const removed = batch.recordCount - kept.length
  if (kept.length === 0) return { batch: undefined, removed }
  const horizonMs = deleteHorizonOf(batch) === undefined ? filter.horizonMs() : undefined
  if (removed === 0 && horizonMs === undefined) return { batch, removed }
  const baseTimestamp = horizonMs ?? batch.baseTimestamp
  const plain =
    baseTimestamp === batch.baseTimestamp
      ? Buffer.concat(kept.map(({ start, end }) => block.subarray(start, end)))
      : rebased(block, kept, batch.baseTimestamp - baseTimestamp)
  const horizon = horizonMs === undefined ? 0 : deleteHorizonBit
  const made = await assemble(batch, plain, {
    attributes: batch.attributes | horizon,
    baseTimestamp,
    maxTimestamp: maxTimestampOf(batch, kept),
    recordCount: kept.length
  })
  return { batch: made, removed }
}

/** Shows all records of a batch. Rejects with CompressionError where it cannot be taken apart. */
export async function visitRecords(
  batch: RecordBatch,
  visit: (record: ChoosableRecord) => void
): Promise<void> {
  choose(batch, await recordsBlock(batch), (record) => {
    visit(record)
    return false
  })
}

function choose(batch: RecordBatch, block: Buffer, keeps: BatchFilter['keeps']): Kept[] {
  const reader = new VarintReader()
  reader.reset(block, 0, block.length)
  const baseOffset = baseOffsetOf(batch)
  const kept: Kept[] = []
  for (let index = 0; index < batch.recordCount; index++) {
    const start = reader.at
    const end = reader.int() + reader.at
    reader.skip(1)
    const deltaAt = reader.at
    const timestampDelta = reader.long()
    const restAt = reader.at
    const offset = baseOffset + reader.int()
    const keyBytes = reader.int()
    const keyAt = reader.at
    if (keyBytes > 0) reader.skip(keyBytes)
    const hasValue = reader.int() >= 0
    if (reader.bad || keyBytes < -1 || end < reader.at || end > block.length)
      throw corrupt('a record of a batch is malformed')
    const key = keyBytes < 0 ? null : block.subarray(keyAt, keyAt + keyBytes)
    if (keeps({ offset, key, hasValue })) kept.push({ start, end, deltaAt, timestampDelta, restAt })
    reader.reset(block, end, block.length)
  }
  if (reader.at !== block.length) throw corrupt('bytes after the last record of a batch')
  return kept
}

/** The records with `shift` added to their timestamp deltas. */
function rebased(block: Buffer, kept: readonly Kept[], shift: number): Buffer {
  const bodies = kept.map(({ end, restAt, timestampDelta }) => {
    const delta = timestampDelta + shift
    if (Math.abs(delta) > deltaMax) throw corrupt('a timestamp of a batch is out of range')
    return { delta, bytes: 1 + varintBytes(delta) + end - restAt }
  })
  const size = bodies.reduce((sum, { bytes }) => sum + varintBytes(bytes) + bytes, 0)
  const target = Buffer.allocUnsafe(size)
  let at = 0
  for (const [i, { end, deltaAt, restAt }] of kept.entries()) {
    const { delta, bytes } = bodies[i]!
    at = writeVarint(target, bytes, at)
    // The attributes byte.
    target[at++] = block[deltaAt - 1]!
    at = writeVarint(target, delta, at)
    at += block.copy(target, at, restAt, end)
  }
  return target
}

function maxTimestampOf(batch: RecordBatch, kept: readonly Kept[]): number {
  if ((batch.attributes & appendTimeBit) !== 0) return batch.maxTimestamp
  let max = Number.NEGATIVE_INFINITY
  for (const { timestampDelta } of kept) max = Math.max(max, batch.baseTimestamp + timestampDelta)
  return max
}

type NewHead = Pick<RecordBatch, 'attributes' | 'baseTimestamp' | 'maxTimestamp' | 'recordCount'>

async function assemble(batch: RecordBatch, plain: Buffer, head: NewHead): Promise<RecordBatch> {
  const codec = codecOf(batch.attributes)
  if (codec === undefined) throw corrupt(`codec of the attributes ${batch.attributes}`)
  const deflated = await deflate(codec, plain)
  const attributes = (head.attributes & ~codecMask) | codecs[deflated.codec]
  return withBlock(batch, deflated.block, { ...head, attributes })
}

function withBlock(batch: RecordBatch, block: Buffer, head: NewHead): RecordBatch {
  const bytes = Buffer.allocUnsafe(batchHeaderBytes + block.length)
  batch.bytes.copy(bytes, 0, 0, batchHeaderBytes)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt16BE(head.attributes, 21)
  writeApproximateInt64(bytes, 27, head.baseTimestamp)
  writeApproximateInt64(bytes, 35, head.maxTimestamp)
  bytes.writeInt32BE(head.recordCount, 57)
  block.copy(bytes, batchHeaderBytes)
  bytes.writeUInt32BE(crc32c(bytes.subarray(batchUncheckedBytes)), 17)
  return batchOf(bytes)
}

/** The batch without any record (DefaultRecordBatch.writeEmptyHeader): its offsets and its producer's place stay. */
export function emptyBatch(batch: RecordBatch): RecordBatch {
  const kept = appendTimeBit | transactionalBit | controlBit
  return withBlock(batch, Buffer.alloc(0), {
    attributes: batch.attributes & kept,
    baseTimestamp: -1,
    maxTimestamp: batch.maxTimestamp,
    recordCount: 0
  })
}
