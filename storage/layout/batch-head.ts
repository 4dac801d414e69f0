/** What recovery reads of each batch: its header of 61 bytes, not its records (table: ../batch/record-batch.ts). */
import { batchHeaderBytes } from '../batch/record-batch.ts'
import { approximateInt64 } from './integers.ts'

/** The length field counts from byte 12 on. */
const lengthFieldEnd = 12

export interface BatchHead {
  /** Of the batch, in its file. */
  readonly position: number
  /** Of the whole batch. */
  readonly bytes: number
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly magic: number
  /** As stored, over bytes 21 to the end. */
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  /** Timestamps are the clients' and may be any 64-bit value; beyond 2^53 they are approximate. */
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** `bytes` holds 61 bytes from `at` on. Undefined if the length cannot be a batch's; nothing else is checked. */
export function readBatchHead(bytes: Buffer, at: number, position: number): BatchHead | undefined {
  const length = bytes.readInt32BE(at + 8) + lengthFieldEnd
  if (length < batchHeaderBytes) return undefined
  return {
    position,
    bytes: length,
    baseOffset: approximateInt64(bytes, at),
    leaderEpoch: bytes.readInt32BE(at + 12),
    magic: bytes.readUInt8(at + 16),
    crc: bytes.readUInt32BE(at + 17),
    attributes: bytes.readUInt16BE(at + 21),
    lastOffsetDelta: bytes.readInt32BE(at + 23),
    baseTimestamp: approximateInt64(bytes, at + 27),
    maxTimestamp: approximateInt64(bytes, at + 35),
    producerId: approximateInt64(bytes, at + 43),
    producerEpoch: bytes.readInt16BE(at + 51),
    baseSequence: bytes.readInt32BE(at + 53),
    recordCount: bytes.readInt32BE(at + 57)
  }
}
