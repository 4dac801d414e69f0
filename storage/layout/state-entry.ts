/**
 * State changes that take effect together.
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 16 | entry prefix | entry.ts; kind 2, never skippable; its CRC covers the whole entry |
 * | 16 | 4 | change count | |
 * | 20 | | changes | one after the other |
 *
 * A change: what it does (1 byte), the length of the rest (4), the rest:
 *
 * | does | rest |
 * |---|---|
 * | 1 put | a row: family (1), row (../state/row-codecs.ts); its key is within |
 * | 2 delete | a key (../state/codec.ts) |
 * | 3 drop topic | topic id (16) |
 */
import { decodeKey, decodeRow, encodeKey, writeRow } from '../state/codec.ts'
import { familyCodes, familyOf } from '../state/families.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { noPrefix, openEntry, sealEntry } from './entry.ts'
import { entryKinds, stateEntryFixedBytes } from './format.ts'
import { LayoutError } from './layout-error.ts'
import type { LoggedChange } from './types.ts'

/** On disk, do not change. */
const operations = { put: 1, delete: 2, 'drop-topic': 3 } as const

/** Length of a change's rest, and the byte before it. */
const changePrefixBytes = 5

/** The whole entry. */
export function encodeStateEntry(changes: readonly LoggedChange[]): Buffer {
  const writer = new ByteWriter(stateEntryFixedBytes + changes.length * 96)
  writer.bytes(noPrefix)
  writer.uint32(changes.length)
  for (const change of changes) {
    writer.uint8(operations[change.op])
    const lengthAt = writer.length
    writer.uint32(0)
    writeChange(writer, change)
    writer.setUint32(lengthAt, writer.length - lengthAt - 4)
  }
  return sealEntry(writer, entryKinds.state, 0)
}

function writeChange(writer: ByteWriter, change: LoggedChange): void {
  switch (change.op) {
    case 'put':
      writer.uint8(familyCodes[change.entry.family])
      writeRow(writer, change.entry)
      break
    case 'delete':
      writer.bytes(encodeKey(change.key))
      break
    case 'drop-topic':
      writer.id(change.topicId)
      break
  }
}

/** `bytes` is the whole entry and nothing else. Throws LayoutError. */
export function decodeStateEntry(bytes: Buffer): LoggedChange[] {
  const reader = openEntry(bytes, entryKinds.state)
  const count = reader.count(reader.uint32(), changePrefixBytes)
  const changes: LoggedChange[] = []
  while (changes.length < count) {
    const operation = reader.uint8()
    changes.push(readChange(operation, reader.bytes(reader.uint32())))
  }
  reader.done()
  return changes
}

function readChange(operation: number, rest: Buffer): LoggedChange {
  if (operation === operations.put) {
    const family = familyOf(new ByteReader(rest).uint8())
    return { op: 'put', entry: decodeRow(family, rest.subarray(1)) }
  }
  if (operation === operations.delete) return { op: 'delete', key: decodeKey(rest) }
  if (operation === operations['drop-topic']) {
    const reader = new ByteReader(rest)
    const topicId = reader.id()
    reader.done()
    return { op: 'drop-topic', topicId }
  }
  throw new LayoutError('unsupported', `state change ${operation} is not known`)
}
