import { createHash } from 'node:crypto'
import type { Keyed } from './compacted-partition.ts'
import type { RecordId } from './history.ts'
import type { RawContent, RawRecord } from './raw-bytes.ts'

const paddingBytesMax = 500

/** A record's value: its name, then bytes that follow from it, so that any change of it is seen. */
export function contentOf({ producer, partition, count }: RecordId): Buffer {
  const name = Buffer.from(`${producer}:${partition}:${count}:`)
  const hash = createHash('sha512').update(name).digest()
  const padding = Buffer.alloc(hash.readUInt16BE(0) % paddingBytesMax)
  for (let at = 0; at < padding.length; at += hash.length) hash.copy(padding, at)
  return Buffer.concat([name, padding])
}

/** Whose content this is; null if it is nobody's. */
export function idOf(content: Buffer | null): RecordId | null {
  if (content === null) return null
  const found = /^(\w+):(\d+):(\d+):/.exec(content.toString('latin1', 0, 64))
  if (!found) return null
  const id = {
    producer: found[1] ?? '',
    partition: Number(found[2]),
    count: Number(found[3])
  }
  return content.equals(contentOf(id)) ? id : null
}

const keyCount = 1000
const tombstoneOnceIn = 6

/**
 * What a record of a compacted topic does, which its name says too: some keys are written again and again, others
 * seldom, so that records of all ages are left.
 */
export function keyedOf({ producer, partition, count }: RecordId): Keyed {
  const hash = createHash('sha512').update(`key of ${producer}:${partition}:${count}`).digest()
  const fraction = hash.readUInt32BE(0) / 2 ** 32
  return {
    key: `key${Math.floor(fraction ** 3 * keyCount)}`,
    isTombstone: hash.readUInt32BE(4) % tombstoneOnceIn === 0
  }
}

/** What is sent of a record of a compacted topic. A tombstone has its content beside it, to be told from others. */
export function keyedContentOf(id: RecordId): RawContent {
  const { key, isTombstone } = keyedOf(id)
  const content = contentOf(id)
  return {
    key: Buffer.from(key),
    value: isTombstone ? null : content,
    note: isTombstone ? content : null
  }
}

/** Whose record of a compacted topic this is; null if it is nobody's, or not as it was sent. */
export function idOfKeyed({ key, value, note }: RawRecord): RecordId | null {
  const id = idOf(value ?? note)
  if (id === null) return null
  const keyed = keyedOf(id)
  return keyed.key === `${key}` && keyed.isTombstone === (value === null) ? id : null
}
