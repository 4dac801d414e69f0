/**
 * `state-<sequence>.snapshot`: every state row as of the end of a flush group.
 *
 * Header:
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 8 | magic | ISTHSNAP |
 * | 8 | 4 | format version | 1 |
 * | 12 | 4 | compatible features | |
 * | 16 | 4 | incompatible features | |
 * | 20 | 16 | store id | |
 * | 36 | 8 | sequence | of the last group whose changes are in it |
 * | 44 | 8 | segment id | the address where replay goes on ... |
 * | 52 | 8 | position | ... after that group |
 * | 60 | 8 | append time | the greatest so far, ms |
 * | 68 | 2 + n | cluster id | length, UTF-8 |
 * | | 4 | CRC-32C | of everything before it |
 *
 * Chunks follow, each with whole rows, up to 64 KiB or one larger row:
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 4 | magic | ISCK |
 * | 4 | 4 | body bytes | |
 * | 8 | 4 | row count | |
 * | 12 | 4 | CRC-32C | of bytes 0 to 11 and the body, going on from the CRC before it (the header's, or the last chunk's) |
 * | 16 | | body | rows: family (1), length (varint), row (../state/codec.ts) |
 *
 * End:
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 4 | magic | ISEN |
 * | 4 | 4 | chunk count | |
 * | 8 | 8 | row count | |
 * | 16 | 4 | CRC-32C | of bytes 0 to 15, going on from the CRC before it |
 *
 * The CRCs are a chain, so a chunk that is missing, doubled, moved or another snapshot's does not pass.
 */
import assert from 'node:assert/strict'
import { crcOf } from './crc.ts'
import {
  formatVersion,
  knownCompatible,
  snapshotChunkMagic,
  snapshotEndMagic,
  snapshotMagic,
  storeIdBytes
} from './format.ts'
import { isSafeInt64, readInt64, writeInt64 } from './integers.ts'
import { whyUnsupported } from './segment.ts'
import type { Address } from './types.ts'

export const snapshotHeaderFixedBytes = 70
export const snapshotChunkHeaderBytes = 16
export const snapshotEndBytes = 20
const crcBytes = 4

export interface SnapshotHeader {
  /** 16 bytes. */
  readonly storeId: Buffer
  readonly clusterId: string
  /** Of the last group whose changes are in it. */
  readonly sequence: number
  /** Where replay goes on after that group. */
  readonly address: Address
  /** The greatest append time so far. */
  readonly appendTimeMs: number
}

/** A part of a snapshot with the CRC that the next part goes on from. */
export interface SnapshotPart {
  readonly bytes: Buffer
  readonly crc: number
}

export function encodeSnapshotHeader(header: SnapshotHeader): SnapshotPart {
  assert.equal(header.storeId.length, storeIdBytes)
  const clusterId = Buffer.from(header.clusterId)
  const crcAt = snapshotHeaderFixedBytes + clusterId.length
  const bytes = Buffer.alloc(crcAt + crcBytes)
  snapshotMagic.copy(bytes)
  bytes.writeUInt32BE(formatVersion, 8)
  bytes.writeUInt32BE(knownCompatible, 12)
  bytes.writeUInt32BE(0, 16)
  header.storeId.copy(bytes, 20)
  writeInt64(bytes, 36, header.sequence)
  writeInt64(bytes, 44, header.address.segment)
  writeInt64(bytes, 52, header.address.position)
  writeInt64(bytes, 60, header.appendTimeMs)
  bytes.writeUInt16BE(clusterId.length, 68)
  clusterId.copy(bytes, snapshotHeaderFixedBytes)
  const crc = crcOf(bytes, 0, crcAt)
  bytes.writeUInt32BE(crc, crcAt)
  return { bytes, crc }
}

export interface DecodedSnapshotHeader {
  readonly header: SnapshotHeader
  readonly bytes: number
  readonly crc: number
}

/** The header at the start of `bytes`, or why there is none; `unsupported` if only a newer version can read it. */
export function decodeSnapshotHeader(
  bytes: Buffer
): DecodedSnapshotHeader | { readonly why: string; readonly unsupported: boolean } {
  const damaged = (why: string) => ({ why, unsupported: false })
  if (bytes.length < snapshotHeaderFixedBytes + crcBytes) return damaged('it is too short')
  if (!bytes.subarray(0, snapshotMagic.length).equals(snapshotMagic)) {
    return damaged('it does not start like a snapshot')
  }
  const crcAt = snapshotHeaderFixedBytes + bytes.readUInt16BE(68)
  if (bytes.length < crcAt + crcBytes) return damaged('it is too short')
  const crc = crcOf(bytes, 0, crcAt)
  if (bytes.readUInt32BE(crcAt) !== crc) return damaged('its header does not match its checksum')
  const why = whyUnsupported({
    formatVersion: bytes.readUInt32BE(8),
    incompatible: bytes.readUInt32BE(16)
  })
  if (why !== undefined) return { why, unsupported: true }
  if (![36, 44, 52, 60].every((at) => isSafeInt64(bytes, at))) {
    return damaged('a number in its header is out of range')
  }
  const header = {
    storeId: Buffer.from(bytes.subarray(20, 36)),
    clusterId: bytes.toString('utf8', snapshotHeaderFixedBytes, crcAt),
    sequence: readInt64(bytes, 36),
    address: { segment: readInt64(bytes, 44), position: readInt64(bytes, 52) },
    appendTimeMs: readInt64(bytes, 60)
  }
  return { header, bytes: crcAt + crcBytes, crc }
}

export function encodeChunkHeader(
  body: Buffer,
  rowCount: number,
  previousCrc: number
): SnapshotPart {
  const bytes = Buffer.alloc(snapshotChunkHeaderBytes)
  bytes.writeUInt32BE(snapshotChunkMagic, 0)
  bytes.writeUInt32BE(body.length, 4)
  bytes.writeUInt32BE(rowCount, 8)
  const crc = crcOf(body, 0, body.length, crcOf(bytes, 0, 12, previousCrc))
  bytes.writeUInt32BE(crc, 12)
  return { bytes, crc }
}

export function encodeSnapshotEnd(
  chunkCount: number,
  rowCount: number,
  previousCrc: number
): Buffer {
  const bytes = Buffer.alloc(snapshotEndBytes)
  bytes.writeUInt32BE(snapshotEndMagic, 0)
  bytes.writeUInt32BE(chunkCount, 4)
  writeInt64(bytes, 8, rowCount)
  bytes.writeUInt32BE(crcOf(bytes, 0, 16, previousCrc), 16)
  return bytes
}

/** Whether these are the end of a snapshot with such counts, after a part with that CRC. */
export function isSnapshotEnd(
  bytes: Buffer,
  chunkCount: number,
  rowCount: number,
  previousCrc: number
): boolean {
  return bytes.equals(encodeSnapshotEnd(chunkCount, rowCount, previousCrc))
}
