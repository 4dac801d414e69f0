/**
 * What every entry of a group starts with. A reader that knows only this much can check an entry and step over it.
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 1 | kind | 1 run, 2 state entry, 3 description, 4 stretches |
 * | 1 | 1 | flags | bit 0: may be skipped by who does not know the kind |
 * | 2 | 2 | the kind's own flags | of a run: `runFlags`; else zero |
 * | 4 | 4 | bytes | of the entry, this included |
 * | 8 | 4 | head bytes | of the entry's head, this included; all of it but for runs |
 * | 12 | 4 | CRC-32C | of bytes 0 to 11 and 16 to the head's end; of a run, then each batch's first 21 bytes |
 */
import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { crcOf } from './crc.ts'
import { entryPrefixBytes } from './format.ts'
import { LayoutError } from './layout-error.ts'

export const entryCrcAt = 12

export interface EntryPrefix {
  readonly kind: number
  readonly flags: number
  readonly kindFlags: number
  readonly bytes: number
  readonly headBytes: number
  readonly crc: number
}

/** Writes the prefix with no CRC yet. */
export function writeEntryPrefix(
  target: Buffer,
  at: number,
  kind: number,
  flags: number,
  kindFlags: number,
  bytes: number,
  headBytes: number
): void {
  target.writeUInt8(kind, at)
  target.writeUInt8(flags, at + 1)
  target.writeUInt16BE(kindFlags, at + 2)
  target.writeUInt32BE(bytes, at + 4)
  target.writeUInt32BE(headBytes, at + 8)
  target.writeUInt32BE(0, at + entryCrcAt)
}

/** Undefined if the bytes end too early or the lengths contradict each other. The CRC is not checked. */
export function readEntryPrefix(bytes: Buffer, at: number): EntryPrefix | undefined {
  if (at + entryPrefixBytes > bytes.length) return undefined
  const prefix = {
    kind: bytes.readUInt8(at),
    flags: bytes.readUInt8(at + 1),
    kindFlags: bytes.readUInt16BE(at + 2),
    bytes: bytes.readUInt32BE(at + 4),
    headBytes: bytes.readUInt32BE(at + 8),
    crc: bytes.readUInt32BE(at + entryCrcAt)
  }
  const sound = prefix.headBytes >= entryPrefixBytes && prefix.headBytes <= prefix.bytes
  return sound ? prefix : undefined
}

/** CRC of an entry's head: `headBytes` bytes from `at`, without the CRC itself. */
export function entryHeadCrc(bytes: Buffer, at: number, headBytes: number): number {
  const prefix = crcOf(bytes, at, at + entryCrcAt)
  return crcOf(bytes, at + entryPrefixBytes, at + headBytes, prefix)
}

/** Room for the prefix in an entry that `sealEntry` will finish. */
export const noPrefix = Buffer.alloc(entryPrefixBytes)

/** Fills in the prefix of an entry that is all head. */
export function sealEntry(writer: ByteWriter, kind: number, flags: number): Buffer {
  const bytes = writer.take()
  writeEntryPrefix(bytes, 0, kind, flags, 0, bytes.length, bytes.length)
  bytes.writeUInt32BE(entryHeadCrc(bytes, 0, bytes.length), entryCrcAt)
  return bytes
}

/** Throws LayoutError unless these bytes are one entry of that kind with a right CRC; returns a reader of its body. */
export function openEntry(bytes: Buffer, kind: number): ByteReader {
  const prefix = readEntryPrefix(bytes, 0)
  if (prefix === undefined || prefix.bytes > bytes.length) {
    throw new LayoutError('truncated', `${bytes.length} bytes are not a whole entry`)
  }
  if (prefix.kind !== kind || prefix.bytes !== bytes.length || prefix.headBytes !== bytes.length) {
    throw new LayoutError('malformed', `not one entry of kind ${kind}`)
  }
  if (entryHeadCrc(bytes, 0, bytes.length) !== prefix.crc) {
    throw new LayoutError('malformed', 'the entry does not match its checksum')
  }
  return new ByteReader(bytes, entryPrefixBytes)
}
