/**
 * What queue uids in this segment meant. Stands before a topic's first run in a segment, in the same group.
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 16 | entry prefix | entry.ts; kind 3, may be skipped; its CRC covers the whole entry |
 * | 16 | 16 | topic id | |
 * | 32 | 2 + n | Kafka name | length, UTF-8 |
 * | | 2 + n | RocketMQ name | length, UTF-8 |
 * | | 4 | queue count | |
 * | | 4 each | queue uids | of queue 0, 1, 2, ... |
 */
import assert from 'node:assert/strict'
import { ByteWriter } from './byte-writer.ts'
import { noPrefix, openEntry, sealEntry } from './entry.ts'
import { entryFlags, entryKinds } from './format.ts'
import type { Description } from './types.ts'

/** The whole entry. */
export function encodeDescription(description: Description): Buffer {
  const writer = new ByteWriter(96 + description.queues.length * 4)
  writer.bytes(noPrefix)
  writer.id(description.topicId)
  for (const name of [description.kafkaName, description.rocketmqName]) {
    const bytes = Buffer.from(name)
    assert(bytes.length < 65536, 'a topic name of 64 KiB or more')
    writer.uint16(bytes.length)
    writer.bytes(bytes)
  }
  writer.uint32(description.queues.length)
  for (const queue of description.queues) writer.uint32(queue)
  return sealEntry(writer, entryKinds.description, entryFlags.mayBeSkipped)
}

/** `bytes` is the whole entry and nothing else. Throws LayoutError. */
export function decodeDescription(bytes: Buffer): Description {
  const reader = openEntry(bytes, entryKinds.description)
  const topicId = reader.id()
  const kafkaName = reader.utf8(reader.uint16())
  const rocketmqName = reader.utf8(reader.uint16())
  const count = reader.count(reader.uint32(), 4)
  const queues = Array.from({ length: count }, () => reader.uint32())
  reader.done()
  return { topicId, kafkaName, rocketmqName, queues }
}
