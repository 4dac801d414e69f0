/**
 * The head and the end of a segment's file.
 *
 * Header, at 0 (a block of 4096 bytes; what follows byte 64 is zero):
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 8 | magic | ISTHMSEG |
 * | 8 | 4 | format version | 1 |
 * | 12 | 4 | compatible features | bits an older reader may ignore |
 * | 16 | 4 | incompatible features | bits a reader must know |
 * | 20 | 16 | store id | |
 * | 36 | 8 | segment id | |
 * | 44 | 8 | created | ms since the epoch |
 * | 52 | 8 | | zero |
 * | 60 | 4 | CRC-32C | of bytes 0 to 59 |
 *
 * Footer, after the last group of a sealed segment:
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 4 | magic | ISFT |
 * | 4 | 4 | group count | |
 * | 8 | 16 | store id | |
 * | 24 | 8 | segment id | |
 * | 32 | 8 | position | of this footer in the file |
 * | 40 | 8 | last sequence | of the last group before it, whatever its segment |
 * | 48 | 8 | next segment id | where the log goes on |
 * | 56 | 4 | | zero |
 * | 60 | 4 | CRC-32C | of bytes 0 to 59 |
 *
 * A footer is written only once every group before it is fsynced, so it proves them durable.
 */
import assert from 'node:assert/strict'
import { crcOf } from './crc.ts'
import {
  footerMagic,
  formatVersion,
  knownIncompatible,
  segmentFooterBytes,
  segmentHeaderBytes,
  segmentHeaderFieldBytes,
  segmentMagic,
  storeIdBytes
} from './format.ts'
import { approximateInt64, isSafeInt64, writeInt64 } from './integers.ts'
import type { SegmentFooter, SegmentHeader } from './types.ts'

const crcAt = 60

/** The whole first block. */
export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  assert.equal(header.storeId.length, storeIdBytes)
  const bytes = Buffer.alloc(segmentHeaderBytes)
  segmentMagic.copy(bytes)
  bytes.writeUInt32BE(header.formatVersion, 8)
  bytes.writeUInt32BE(header.compatible, 12)
  bytes.writeUInt32BE(header.incompatible, 16)
  header.storeId.copy(bytes, 20)
  writeInt64(bytes, 36, header.segmentId)
  writeInt64(bytes, 44, header.createdMs)
  bytes.writeUInt32BE(crcOf(bytes, 0, crcAt), crcAt)
  return bytes
}

/**
 * The header, or why these bytes are none. Says nothing about whether this version may read the segment: ask
 * `whyUnsupported`. The first 64 bytes are enough.
 */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | string {
  if (bytes.length < segmentHeaderFieldBytes) return 'the file is shorter than a segment header'
  if (!bytes.subarray(0, segmentMagic.length).equals(segmentMagic)) return 'not a segment file'
  if (bytes.readUInt32BE(crcAt) !== crcOf(bytes, 0, crcAt)) {
    return 'the segment header does not match its checksum'
  }
  if (!isSafeInt64(bytes, 36) || !isSafeInt64(bytes, 44)) return 'the segment id is out of range'
  return {
    formatVersion: bytes.readUInt32BE(8),
    compatible: bytes.readUInt32BE(12),
    incompatible: bytes.readUInt32BE(16),
    storeId: Buffer.from(bytes.subarray(20, 36)),
    segmentId: approximateInt64(bytes, 36),
    createdMs: approximateInt64(bytes, 44)
  }
}

/** Why this version must leave a file with such a header alone; undefined if it may read it. */
export function whyUnsupported(
  header: Pick<SegmentHeader, 'formatVersion' | 'incompatible'>
): string | undefined {
  if (header.formatVersion !== formatVersion) {
    return `format version ${header.formatVersion}; this program reads version ${formatVersion}`
  }
  const unknown = (header.incompatible & ~knownIncompatible) >>> 0
  if (unknown === 0) return undefined
  return `features that this program does not know (bits 0x${unknown.toString(16)})`
}

export function encodeSegmentFooter(footer: SegmentFooter, storeId: Buffer): Buffer {
  assert.equal(storeId.length, storeIdBytes)
  const bytes = Buffer.alloc(segmentFooterBytes)
  bytes.writeUInt32BE(footerMagic, 0)
  bytes.writeUInt32BE(footer.groupCount, 4)
  storeId.copy(bytes, 8)
  writeInt64(bytes, 24, footer.segmentId)
  writeInt64(bytes, 32, footer.position)
  writeInt64(bytes, 40, footer.lastSequence)
  writeInt64(bytes, 48, footer.nextSegmentId)
  bytes.writeUInt32BE(crcOf(bytes, 0, crcAt), crcAt)
  return bytes
}

/** Undefined unless these are the bytes of a footer of this store and segment that stands at this position. */
export function decodeSegmentFooter(
  bytes: Buffer,
  expected: { readonly storeId: Buffer; readonly segmentId: number; readonly position: number }
): SegmentFooter | undefined {
  if (bytes.length < segmentFooterBytes || bytes.readUInt32BE(0) !== footerMagic) return undefined
  if (bytes.compare(expected.storeId, 0, storeIdBytes, 8, 24) !== 0) return undefined
  if (bytes.readUInt32BE(crcAt) !== crcOf(bytes, 0, crcAt)) return undefined
  const footer = {
    segmentId: approximateInt64(bytes, 24),
    position: approximateInt64(bytes, 32),
    lastSequence: approximateInt64(bytes, 40),
    groupCount: bytes.readUInt32BE(4),
    nextSegmentId: approximateInt64(bytes, 48)
  }
  const here = footer.segmentId === expected.segmentId && footer.position === expected.position
  const safe = isSafeInt64(bytes, 40) && isSafeInt64(bytes, 48)
  return here && safe ? footer : undefined
}

/** `0000000000000007.segment`: 16 digits hold every safe integer, and names sort by id. */
export function segmentFileName(id: number): string {
  assert(Number.isSafeInteger(id) && id >= 0, `not a segment id: ${id}`)
  return `${String(id).padStart(16, '0')}.segment`
}

export function parseSegmentFileName(name: string): number | undefined {
  const digits = /^(\d{16})\.segment$/.exec(name)?.[1]
  if (digits === undefined) return undefined
  const id = Number(digits)
  return Number.isSafeInteger(id) ? id : undefined
}
