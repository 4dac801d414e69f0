/** Keys of LevelDB, but for those of rows; see index-db.ts. */
import type { QueueUid, TopicId } from './contract.ts'
import { writeInt64 } from './layout/integers.ts'

export function rangeOf(prefix: string): { gte: Buffer; lt: Buffer } {
  return { gte: Buffer.from(prefix), lt: Buffer.from([prefix.charCodeAt(0) + 1]) }
}

export function blockKey(queue: QueueUid, offset: number): Buffer {
  const key = Buffer.alloc(13)
  key[0] = 0x69 // i
  key.writeUInt32BE(queue, 1)
  writeInt64(key, 5, offset)
  return key
}

export function keysKey(topicId: TopicId, sequence: number): Buffer {
  const key = Buffer.alloc(25)
  key[0] = 0x6b // k
  key.write(topicId, 1, 'hex')
  writeInt64(key, 17, sequence)
  return key
}

export const keysSumPrefix = Buffer.from('t')

/** All blocks of a topic's keys. */
export function keysRange(topicId: TopicId): { gte: Buffer; lt: Buffer } {
  return { gte: keysKey(topicId, 0), lt: keysKey(topicId, Number.MAX_SAFE_INTEGER) }
}

/** Where the sum of a topic's blocks of keys stands. */
export function keysSumKey(topicId: TopicId): Buffer {
  return Buffer.concat([keysSumPrefix, Buffer.from(topicId, 'hex')])
}

/** The same by the key of such a block; undefined for anything else. */
export function sumKeyOfKeys(key: Buffer): Buffer | undefined {
  return key[0] === 0x6b ? Buffer.concat([keysSumPrefix, key.subarray(1, 17)]) : undefined
}

export function usageKey(segment: number): Buffer {
  const key = Buffer.alloc(9)
  key[0] = 0x75 // u
  writeInt64(key, 1, segment)
  return key
}

export function compactedKey(queue: QueueUid): Buffer {
  return Buffer.concat([Buffer.from('c'), blockKey(queue, 0).subarray(1, 5)])
}
