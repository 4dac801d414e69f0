/**
 * What a cleaner's copy stands for besides the runs that it holds: these offsets of these queues were in its sources, and
 * those of them that are in no run were compacted away. Only in copies, before their runs.
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 16 | entry prefix | entry.ts; kind 4, may be skipped; its CRC covers the whole entry |
 * | 16 | 4 | stretch count | |
 * | 20 | 20 each | stretches | queue uid (4), first offset (8), offset after the last (8); by queue uid, one each |
 */
import type { QueueUid } from '../contract.ts'
import { ByteWriter } from './byte-writer.ts'
import { noPrefix, openEntry, sealEntry } from './entry.ts'
import { entryFlags, entryKinds, stretchBytes } from './format.ts'

/** Offsets of a queue. */
export interface Stretch {
  readonly queue: QueueUid
  readonly firstOffset: number
  /** After the last. */
  readonly nextOffset: number
}

/** The whole entry. */
export function encodeStretches(stretches: readonly Stretch[]): Buffer {
  const writer = new ByteWriter(32 + stretches.length * stretchBytes)
  writer.bytes(noPrefix)
  writer.uint32(stretches.length)
  for (const { queue, firstOffset, nextOffset } of stretches) {
    writer.uint32(queue)
    writer.int64(firstOffset)
    writer.int64(nextOffset)
  }
  return sealEntry(writer, entryKinds.stretches, entryFlags.mayBeSkipped)
}

/** `bytes` is the whole entry and nothing else. Throws LayoutError. */
export function decodeStretches(bytes: Buffer): Stretch[] {
  const reader = openEntry(bytes, entryKinds.stretches)
  const count = reader.count(reader.uint32(), stretchBytes)
  const stretches = Array.from({ length: count }, () => ({
    queue: reader.uint32(),
    firstOffset: reader.int64(),
    nextOffset: reader.int64()
  }))
  reader.done()
  return stretches
}
