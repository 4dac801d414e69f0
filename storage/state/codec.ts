/**
 * Rows and their keys in bytes, the same in state entries, snapshots and LevelDB.
 *
 * A key: family (1 byte), bucket (UTF-8, a zero byte in it written as 00 ff), 00 01, item (UTF-8). So keys sort by
 * family, then bucket, then item, no bucket is a prefix of another, and a family or a bucket is one range.
 *
 * A row: version (1 byte, 1 so far), fields (row-codecs.ts).
 */
import { ByteReader } from '../layout/byte-reader.ts'
import { ByteWriter } from '../layout/byte-writer.ts'
import { LayoutError } from '../layout/layout-error.ts'
import { familyCodes, familyOf } from './families.ts'
import { readFields, rowVersion, writeFields } from './row-codecs.ts'
import type { StoredFamily, StoredKey, StoredRow } from './stored-rows.ts'

const bucketEnd = Buffer.from([0, 1])

export function encodeKey(key: StoredKey): Buffer {
  return Buffer.concat([keyPrefix(key.family, key.bucket), Buffer.from(key.item)])
}

/** What all keys of a family, or of one of its buckets, start with. */
export function keyPrefix(family: StoredFamily, bucket?: string): Buffer {
  const code = Buffer.from([familyCodes[family]])
  if (bucket === undefined) return code
  return Buffer.concat([code, escapeZeros(Buffer.from(bucket)), bucketEnd])
}

/** The keys of a family, or of one of its buckets: from `gte` up to, but not including, `lt`. */
export function keyRange(family: StoredFamily, bucket?: string): { gte: Buffer; lt: Buffer } {
  const gte = keyPrefix(family, bucket)
  const lt = Buffer.from(gte)
  // Never overflows: the last byte is a family's code or the end mark of a bucket.
  lt[lt.length - 1]! += 1
  return { gte, lt }
}

function escapeZeros(bytes: Buffer): Buffer {
  if (!bytes.includes(0)) return bytes
  const escaped: number[] = []
  for (const byte of bytes) byte === 0 ? escaped.push(0, 255) : escaped.push(byte)
  return Buffer.from(escaped)
}

/** Throws LayoutError. */
export function decodeKey(bytes: Buffer): StoredKey {
  if (bytes.length === 0) throw new LayoutError('truncated', 'an empty key')
  const family = familyOf(bytes[0]!)
  const bucket: number[] = []
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at] !== 0) {
      bucket.push(bytes[at]!)
      continue
    }
    at += 1
    if (bytes[at] === 255) bucket.push(0)
    else if (bytes[at] === 1) {
      return {
        family,
        bucket: Buffer.from(bucket).toString(),
        item: bytes.toString('utf8', at + 1)
      }
    } else throw new LayoutError('malformed', 'a stray zero byte in a key')
  }
  throw new LayoutError('truncated', 'a key without the end of its bucket')
}

export function encodeRow(entry: StoredRow): Buffer {
  const writer = new ByteWriter(128)
  writeRow(writer, entry)
  return writer.take()
}

export function writeRow(writer: ByteWriter, entry: StoredRow): void {
  writer.uint8(rowVersion)
  writeFields(writer, entry)
}

/** What is kept in memory of each timer, without the rest of its row. */
export interface TimerHead {
  readonly queue: number
  readonly offset: number
  readonly dueMs: number
}

/** The first fields of a timer's row (row-codecs.ts); there may be very many. Throws LayoutError. */
export function decodeTimerHead(bytes: Buffer): TimerHead {
  const reader = new ByteReader(bytes)
  checkVersion(reader, 'timer')
  return { queue: reader.varint(), offset: reader.varint(), dueMs: reader.signed() }
}

/** Throws LayoutError for an unknown version, and unless `bytes` are one whole row. */
export function decodeRow(family: StoredFamily, bytes: Buffer): StoredRow {
  const reader = new ByteReader(bytes)
  checkVersion(reader, family)
  const entry = readFields(reader, family)
  reader.done()
  return entry
}

function checkVersion(reader: ByteReader, family: StoredFamily): void {
  const version = reader.uint8()
  if (version === rowVersion) return
  throw new LayoutError('unsupported', `version ${version} of a row of ${family} is not known`)
}
