/** The only bytes of a batch that the server ever writes. */
import { crc32c } from '@node-rs/crc32'
import { appendTimeBit } from './attributes.ts'
import { approximateInt64, writeApproximateInt64 } from './int64.ts'
import { batchUncheckedBytes, type RecordBatch } from './record-batch.ts'

/** Writes base offset and leader epoch, in place; both lie outside the batch's CRC. */
export function patchBatch(batch: RecordBatch, baseOffset: number, leaderEpoch: number): void {
  writeApproximateInt64(batch.bytes, 0, baseOffset)
  batch.bytes.writeInt32BE(leaderEpoch, 12)
}

/**
 * LogAppendTime, in place: sets the bit, makes the append time the max timestamp and computes the CRC anew. The
 * batch returned says so too; the one given no longer matches its bytes.
 */
export function stampAppendTime(batch: RecordBatch, appendTimeMs: number): RecordBatch {
  const { bytes } = batch
  const attributes = batch.attributes | appendTimeBit
  bytes.writeInt16BE(attributes, 21)
  writeApproximateInt64(bytes, 35, appendTimeMs)
  bytes.writeUInt32BE(crc32c(bytes.subarray(batchUncheckedBytes)), 17)
  return { ...batch, attributes, maxTimestamp: appendTimeMs }
}

export function baseOffsetOf(batch: RecordBatch): number {
  return approximateInt64(batch.bytes, 0)
}

export function leaderEpochOf(batch: RecordBatch): number {
  return batch.bytes.readInt32BE(12)
}
