/**
 * The header of a flush group; its entries follow at once, and the next group follows them.
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 4 | magic | ISGR |
 * | 4 | 4 | bytes | of the group, this header included |
 * | 8 | 8 | sequence | 1, 2, 3, ... over all segments |
 * | 16 | 16 | store id | |
 * | 32 | 8 | segment id | |
 * | 40 | 8 | position | of this header in the file |
 * | 48 | 8 | append time | ms, never decreasing |
 * | 56 | 8 | durable through | the last sequence known fsynced when this was sealed |
 * | 64 | 4 | entry count | |
 * | 68 | 4 | | zero |
 * | 72 | 4 | CRC-32C | of bytes 0 to 71 |
 *
 * Nothing checks the group as a whole: each entry has its own checks, and they must fill `bytes` exactly.
 */
import { crcOf } from './crc.ts'
import { groupHeaderBytes, groupMagic, storeIdBytes } from './format.ts'
import { approximateInt64, writeInt64 } from './integers.ts'
import type { GroupHeader } from './types.ts'

const crcAt = 72

/** Writes `groupHeaderBytes` bytes at `at`. */
export function writeGroupHeader(
  target: Buffer,
  at: number,
  header: GroupHeader,
  storeId: Buffer
): void {
  target.writeUInt32BE(groupMagic, at)
  target.writeUInt32BE(header.bytes, at + 4)
  writeInt64(target, at + 8, header.sequence)
  storeId.copy(target, at + 16, 0, storeIdBytes)
  writeInt64(target, at + 32, header.segmentId)
  writeInt64(target, at + 40, header.position)
  writeInt64(target, at + 48, header.appendTimeMs)
  writeInt64(target, at + 56, header.durableThrough)
  target.writeUInt32BE(header.entryCount, at + 64)
  target.writeUInt32BE(0, at + 68)
  target.writeUInt32BE(crcOf(target, at, at + crcAt), at + crcAt)
}

/** Undefined unless a whole group header of this store, segment and position stands at `at`. */
export function readGroupHeader(
  bytes: Buffer,
  at: number,
  expected: { readonly storeId: Buffer; readonly segmentId: number; readonly position: number }
): GroupHeader | undefined {
  if (at + groupHeaderBytes > bytes.length) return undefined
  if (bytes.readUInt32BE(at) !== groupMagic) return undefined
  // Before the CRC: bytes of a recycled file or of a record that holds a log mostly differ here.
  if (bytes.compare(expected.storeId, 0, storeIdBytes, at + 16, at + 32) !== 0) return undefined
  if (bytes.readUInt32BE(at + crcAt) !== crcOf(bytes, at, at + crcAt)) return undefined
  const header = {
    sequence: approximateInt64(bytes, at + 8),
    segmentId: approximateInt64(bytes, at + 32),
    position: approximateInt64(bytes, at + 40),
    bytes: bytes.readUInt32BE(at + 4),
    entryCount: bytes.readUInt32BE(at + 64),
    appendTimeMs: approximateInt64(bytes, at + 48),
    durableThrough: approximateInt64(bytes, at + 56)
  }
  const here = header.segmentId === expected.segmentId && header.position === expected.position
  return here && header.bytes >= groupHeaderBytes && isInRange(header) ? header : undefined
}

/** A record that a client made to look like a header must not make a search of the file fail. */
function isInRange(header: GroupHeader): boolean {
  return (
    Number.isSafeInteger(header.sequence) &&
    header.sequence >= 1 &&
    Number.isSafeInteger(header.appendTimeMs) &&
    Number.isSafeInteger(header.durableThrough) &&
    header.durableThrough >= 0
  )
}
