import { createHash } from 'node:crypto'
import type { RecordId } from './history.ts'

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
export function idOf(content: Buffer): RecordId | null {
  const found = /^(\w+):(\d+):(\d+):/.exec(content.toString('latin1', 0, 64))
  if (!found) return null
  const id = {
    producer: found[1] ?? '',
    partition: Number(found[2]),
    count: Number(found[3])
  }
  return content.equals(contentOf(id)) ? id : null
}
