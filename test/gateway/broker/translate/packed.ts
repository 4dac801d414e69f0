/** Puts packed records into a batch as sealing does, so that what is read is what a store gives back. */
import { crc32c } from '@node-rs/crc32'
import { isMessageFault, type Message } from '../../../../gateway/broker/translate/message-codec.ts'
import { recordOfMessage } from '../../../../gateway/broker/translate/record-of-message.ts'
import { writeApproximateInt64 } from '../../../../storage/batch/int64.ts'
import { isBatchFault, parseBatch } from '../../../../storage/batch/parse-batch.ts'
import type { RecordBatch } from '../../../../storage/batch/record-batch.ts'
import { type BatchRecord, decodeRecords } from '../../../../storage/batch/records.ts'
import { varintBytes, writeVarint } from '../../../../storage/batch/varint.ts'
import type { PackedRecord } from '../../../../storage/contract.ts'

export function packed(message: Message): PackedRecord {
  const record = recordOfMessage(message)
  if (isMessageFault(record)) throw new Error(record.text)
  return record
}

/** The batch is checked as one that comes back from the log is. */
export function packBatch(all: readonly PackedRecord[], baseOffset = 0): RecordBatch {
  const base = all[0]!.timestamp
  const parts = all.map(({ timestamp, encoded }, index) => {
    const length = 1 + varintBytes(timestamp - base) + varintBytes(index) + encoded.length
    const head = Buffer.alloc(40)
    let at = writeVarint(head, length, 0) + 1
    at = writeVarint(head, timestamp - base, at)
    at = writeVarint(head, index, at)
    return Buffer.concat([head.subarray(0, at), encoded])
  })
  const bytes = Buffer.concat([Buffer.alloc(61), ...parts])
  writeApproximateInt64(bytes, 0, baseOffset)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes[16] = 2
  bytes.writeInt32BE(all.length - 1, 23)
  writeApproximateInt64(bytes, 27, base)
  writeApproximateInt64(bytes, 35, Math.max(...all.map(({ timestamp }) => timestamp)))
  writeApproximateInt64(bytes, 43, -1)
  bytes.writeInt16BE(-1, 51)
  bytes.writeInt32BE(-1, 53)
  bytes.writeInt32BE(all.length, 57)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  const batch = parseBatch(bytes, 0, { crc: true, records: true, fromClient: false })
  if (isBatchFault(batch)) throw new Error(`${batch.fault}: ${batch.text}`)
  return batch
}

export function recordsOf(batch: RecordBatch): BatchRecord[] {
  return [...decodeRecords(batch, batch.bytes.subarray(61))]
}

/** The record as it is read again. */
export function storedRecord(message: Message, offset = 0): BatchRecord {
  return recordsOf(packBatch([packed(message)], offset))[0]!
}
