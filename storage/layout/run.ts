/**
 * A run's header; its batches follow at once, exactly as clients sent them (../batch/record-batch.ts).
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 16 | entry prefix | entry.ts; kind 1, never skippable; the kind's own flags are `runFlags` |
 * | 16 | 4 | queue uid | |
 * | 20 | 8 | base offset | of the first record |
 * | 28 | 4 | record count | |
 * | 32 | 4 | batch count | |
 * | 36 | 4 | batch bytes | of all batches, so bytes = head bytes + this |
 * | 40 | 8 | append time | ms; the group's own, but for a cleaner's groups |
 * | 48 | 8 | max record timestamp | -1 for none |
 * | 56 | 4 | resolved count | |
 * | 60 | 4 | extension count | |
 * | 64 | 12 each | resolved | queue uid (4), offset (8) |
 * | | 6 + n each | extensions | tag (2), length n (4), n bytes; unknown tags are skipped |
 *
 * The prefix's CRC goes on over the first 21 bytes of each batch, which the batch's own CRC leaves out. With both, every
 * byte of a run is checked.
 */
import { batchUncheckedBytes } from '../batch/record-batch.ts'
import { crcOf } from './crc.ts'
import { entryCrcAt, entryHeadCrc, readEntryPrefix, writeEntryPrefix } from './entry.ts'
import { entryKinds, extensionPrefixBytes, resolvedBytes, runHeaderFixedBytes } from './format.ts'
import { isSafeInt64, readInt64, writeInt64 } from './integers.ts'
import type { Extension, Resolved, RunHeader } from './types.ts'

/** Bytes of the header, batches not included. */
export function runHeaderBytes(run: Pick<RunHeader, 'resolves' | 'extensions'>): number {
  let bytes = runHeaderFixedBytes + run.resolves.length * resolvedBytes
  for (const extension of run.extensions) bytes += extensionPrefixBytes + extension.bytes.length
  return bytes
}

/**
 * Writes the header of a run with these batches (patched already: the CRC covers their heads); returns its bytes. The
 * batches themselves are not written. `run.batchBytes` and `run.batchCount` must be what the batches say.
 */
export function writeRunHeader(
  target: Buffer,
  at: number,
  run: RunHeader,
  batches: readonly Buffer[]
): number {
  const headBytes = runHeaderBytes(run)
  writeEntryPrefix(target, at, entryKinds.run, 0, run.flags, headBytes + run.batchBytes, headBytes)
  target.writeUInt32BE(run.queue, at + 16)
  writeInt64(target, at + 20, run.baseOffset)
  target.writeUInt32BE(run.recordCount, at + 28)
  target.writeUInt32BE(run.batchCount, at + 32)
  target.writeUInt32BE(run.batchBytes, at + 36)
  writeInt64(target, at + 40, run.appendTimeMs)
  writeInt64(target, at + 48, run.maxTimestamp)
  target.writeUInt32BE(run.resolves.length, at + 56)
  target.writeUInt32BE(run.extensions.length, at + 60)
  writeLists(target, at + runHeaderFixedBytes, run)
  let crc = entryHeadCrc(target, at, headBytes)
  for (const batch of batches) crc = crcOf(batch, 0, batchUncheckedBytes, crc)
  target.writeUInt32BE(crc, at + entryCrcAt)
  return headBytes
}

function writeLists(target: Buffer, start: number, run: RunHeader): void {
  let at = start
  for (const resolved of run.resolves) {
    target.writeUInt32BE(resolved.queue, at)
    writeInt64(target, at + 4, resolved.offset)
    at += resolvedBytes
  }
  for (const extension of run.extensions) {
    target.writeUInt16BE(extension.tag, at)
    target.writeUInt32BE(extension.bytes.length, at + 2)
    extension.bytes.copy(target, at + extensionPrefixBytes)
    at += extensionPrefixBytes + extension.bytes.length
  }
}

export interface StoredRunHeader extends RunHeader {
  readonly headerBytes: number
  /** As stored; to be compared by `checkRunCrc`. */
  readonly crc: number
}

/**
 * The header at `at`, or undefined if what stands there cannot be one: too short (all of it must be there), another
 * kind, or lengths that contradict each other. Nothing it says may be trusted before `checkRunCrc`.
 */
export function readRunHeader(bytes: Buffer, at: number): StoredRunHeader | undefined {
  const prefix = readEntryPrefix(bytes, at)
  if (prefix === undefined || prefix.kind !== entryKinds.run) return undefined
  const end = at + prefix.headBytes
  if (prefix.headBytes < runHeaderFixedBytes || end > bytes.length) return undefined
  const batchBytes = bytes.readUInt32BE(at + 36)
  if (prefix.bytes !== prefix.headBytes + batchBytes) return undefined
  const resolvedEnd = at + runHeaderFixedBytes + bytes.readUInt32BE(at + 56) * resolvedBytes
  if (resolvedEnd > end || !allSafe(bytes, at)) return undefined
  const resolves = readResolved(bytes, at + runHeaderFixedBytes, resolvedEnd)
  const extensions = readExtensions(bytes, resolvedEnd, end, bytes.readUInt32BE(at + 60))
  if (resolves === undefined || extensions === undefined) return undefined
  return {
    flags: prefix.kindFlags,
    queue: bytes.readUInt32BE(at + 16),
    baseOffset: readInt64(bytes, at + 20),
    recordCount: bytes.readUInt32BE(at + 28),
    batchCount: bytes.readUInt32BE(at + 32),
    batchBytes,
    appendTimeMs: readInt64(bytes, at + 40),
    maxTimestamp: readInt64(bytes, at + 48),
    resolves,
    extensions,
    headerBytes: prefix.headBytes,
    crc: prefix.crc
  }
}

/**
 * Whether the header and the heads of its batches are as written. `header`: the header's bytes, all of them; `heads`:
 * each batch, or its first 21 bytes at least.
 */
export function checkRunCrc(header: Buffer, heads: readonly Buffer[]): boolean {
  if (header.length < runHeaderFixedBytes) return false
  let crc = entryHeadCrc(header, 0, header.length)
  for (const head of heads) {
    if (head.length < batchUncheckedBytes) return false
    crc = crcOf(head, 0, batchUncheckedBytes, crc)
  }
  return crc === header.readUInt32BE(entryCrcAt)
}

const noResolves: readonly Resolved[] = Object.freeze([])
const noExtensions: readonly Extension[] = Object.freeze([])

function readResolved(bytes: Buffer, start: number, end: number): readonly Resolved[] | undefined {
  if (start === end) return noResolves
  const resolves: Resolved[] = []
  for (let at = start; at < end; at += resolvedBytes) {
    if (!isSafeInt64(bytes, at + 4)) return undefined
    resolves.push({ queue: bytes.readUInt32BE(at), offset: readInt64(bytes, at + 4) })
  }
  return resolves
}

/** Copies: what they are read from is mostly a window over a file. */
function readExtensions(
  bytes: Buffer,
  start: number,
  end: number,
  count: number
): readonly Extension[] | undefined {
  if (count === 0) return start === end ? noExtensions : undefined
  const extensions: Extension[] = []
  let at = start
  while (extensions.length < count) {
    if (at + extensionPrefixBytes > end) return undefined
    const from = at + extensionPrefixBytes
    const to = from + bytes.readUInt32BE(at + 2)
    if (to > end) return undefined
    extensions.push({ tag: bytes.readUInt16BE(at), bytes: Buffer.from(bytes.subarray(from, to)) })
    at = to
  }
  return at === end ? extensions : undefined
}

function allSafe(bytes: Buffer, at: number): boolean {
  return isSafeInt64(bytes, at + 20) && isSafeInt64(bytes, at + 40) && isSafeInt64(bytes, at + 48)
}
