/** Single records becoming one batch at seal: lengths, deltas, header and CRC are all that is left to write. */
import { crc32c } from '@node-rs/crc32'
import { writeApproximateInt64 } from './batch/int64.ts'
import { batchHeaderBytes, batchUncheckedBytes } from './batch/record-batch.ts'
import { varintBytes, writeVarint } from './batch/varint.ts'
import type { PackedRecord } from './contract.ts'

/** Bytes of records that one batch takes; a larger single record is a batch of its own. */
export const packBytesMax = 128 * 1024
/** Records that one batch takes. */
export const packRecordsMax = 256
/** The same of records that are read one by one (RecordAppend.apart). */
export const apartBytesMax = 4 * 1024

/** Attributes byte, timestamp delta, offset delta and length of a record, at most. */
export const recordPrefixBytesMax = 1 + 10 + 5 + 5

/** Records of one queue that follow each other without a gap. */
export class Pack {
  readonly baseOffset: number
  readonly #records: PackedRecord[] = []
  #bytes = 0

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset
  }

  get count(): number {
    return this.#records.length
  }

  get isCompressed(): boolean {
    return this.#records.some((record) => record.isCompressed)
  }

  get maxTimestamp(): number {
    return this.#records.reduce((max, { timestamp }) => Math.max(max, timestamp), -1)
  }

  /** Whether the record still goes in, where a pack has `bytesMax` bytes at most. */
  takes(record: PackedRecord, bytesMax: number): boolean {
    if (this.#records.length === 0) return true
    return (
      this.#records.length < packRecordsMax &&
      this.#bytes + record.encoded.length + recordPrefixBytesMax <= bytesMax
    )
  }

  add(record: PackedRecord): void {
    this.#records.push(record)
    this.#bytes += record.encoded.length + recordPrefixBytesMax
  }

  /** The records as one uncompressed batch. */
  encode(leaderEpoch: number): Buffer {
    const records = this.#records
    const baseTimestamp = records[0]?.timestamp ?? -1
    const lengths = records.map(
      ({ encoded, timestamp }, i) =>
        1 + varintBytes(timestamp - baseTimestamp) + varintBytes(i) + encoded.length
    )
    let size = batchHeaderBytes
    for (const length of lengths) size += varintBytes(length) + length
    const bytes = Buffer.allocUnsafeSlow(size)
    writeApproximateInt64(bytes, 0, this.baseOffset)
    bytes.writeInt32BE(size - 12, 8)
    bytes.writeInt32BE(leaderEpoch, 12)
    bytes[16] = 2
    bytes.writeInt16BE(0, 21)
    bytes.writeInt32BE(records.length - 1, 23)
    writeApproximateInt64(bytes, 27, baseTimestamp)
    writeApproximateInt64(bytes, 35, this.maxTimestamp)
    writeApproximateInt64(bytes, 43, -1)
    bytes.writeInt16BE(-1, 51)
    bytes.writeInt32BE(-1, 53)
    bytes.writeInt32BE(records.length, 57)
    let at = batchHeaderBytes
    for (const [i, { encoded, timestamp }] of records.entries()) {
      at = writeVarint(bytes, lengths[i] as number, at)
      bytes[at++] = 0
      at = writeVarint(bytes, timestamp - baseTimestamp, at)
      at = writeVarint(bytes, i, at)
      at += encoded.copy(bytes, at)
    }
    bytes.writeUInt32BE(crc32c(bytes.subarray(batchUncheckedBytes)), 17)
    return bytes
  }
}
