import { crc32c } from '@node-rs/crc32'
import type { Extension } from './layout/types.ts'

/** The hash that keys are indexed by; on disk, do not change. */
export function keyHashOf(key: string): number {
  return crc32c(key) >>> 0
}

/** Tag of the run extension that holds the hashes of its records' keys; on disk, do not change. */
const keyHashesTag = 1
const bytesPerKey = 8

/** A key of a record, as its run carries it. */
export interface HashedKey {
  readonly hash: number
  readonly offset: number
}

/** Per key: offset from the run's base (u32), hash (u32). */
export function keyExtension(baseOffset: number, keys: readonly HashedKey[]): Extension {
  const bytes = Buffer.alloc(keys.length * bytesPerKey)
  for (const [i, { hash, offset }] of keys.entries()) {
    bytes.writeUInt32BE(offset - baseOffset, i * bytesPerKey)
    bytes.writeUInt32BE(hash, i * bytesPerKey + 4)
  }
  return { tag: keyHashesTag, bytes }
}

/** The keys that a run carries. */
export function keysOfRun(baseOffset: number, extensions: readonly Extension[]): HashedKey[] {
  const keys: HashedKey[] = []
  for (const { tag, bytes } of extensions) {
    if (tag !== keyHashesTag) continue
    for (let at = 0; at + bytesPerKey <= bytes.length; at += bytesPerKey)
      keys.push({ offset: baseOffset + bytes.readUInt32BE(at), hash: bytes.readUInt32BE(at + 4) })
  }
  return keys
}

/** The extensions of a run of which only some records are left, and which may begin later than it did. */
export function extensionsLeft(
  before: number,
  extensions: readonly Extension[],
  baseOffset: number,
  isLeft: (offset: number) => boolean
): readonly Extension[] {
  const keys = keysOfRun(before, extensions).filter(({ offset }) => isLeft(offset))
  const others = extensions.filter(({ tag }) => tag !== keyHashesTag)
  return keys.length === 0 ? others : [...others, keyExtension(baseOffset, keys)]
}
