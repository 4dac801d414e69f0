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

export function usageKey(segment: number): Buffer {
  const key = Buffer.alloc(9)
  key[0] = 0x75 // u
  writeInt64(key, 1, segment)
  return key
}

export function compactedKey(queue: QueueUid): Buffer {
  return Buffer.concat([Buffer.from('c'), blockKey(queue, 0).subarray(1, 5)])
}
