/**
 * A Kafka record's key and headers as RocketMQ properties, and back again when such a message is sent on.
 *
 * | of the record | property |
 * |---|---|
 * | | `UNIQ_KEY`, derived (message-ids.ts) |
 * | key | `KEYS`; as base64 where it is no UTF-8, with %01, %02, %25 where characters 1 and 2 are in it; `KAFKA_KEY` then says `base64`, `escaped`, or `empty` (no KEYS), or `left-out` where it has no room |
 * | null value | `KAFKA_VALUE` is `null`; the body is empty |
 * | header | the same name and value, or one of those below |
 * | that RocketMQ would act on, begins with `KAFKA_`, is the second and later of its name, or holds characters 1 or 2 | `KAFKA_TEXT_<n>_<name>`; n counts those of one name from 1, name and value escaped |
 * | null | `KAFKA_NULL_<n>_<name>`, value `null` |
 * | empty | `KAFKA_EMPTY_<n>_<name>`, value `empty` |
 * | no UTF-8 | `KAFKA_BASE64_<n>_<name>` |
 * | headers that had no room, from the end | their number in `KAFKA_TRUNCATED` |
 *
 * Escaped: `%`, characters 1 and 2, and in a name that is no UTF-8 every byte above 127, as % and two hexadecimal digits.
 */
import { isUtf8 } from 'node:buffer'
import type { BatchRecord, RecordHeader } from '../../../storage/batch/records.ts'
import { formatProperties, type ParsedProperties, type Property } from './properties.ts'
import { drivesRocketmq, kafkaPrefix, keysName, uniqueKeyName } from './property-names.ts'

export const kafkaKeyName = 'KAFKA_KEY'
export const kafkaValueName = 'KAFKA_VALUE'
export const kafkaTruncatedName = 'KAFKA_TRUNCATED'
/** More headers than this in one record are no number of 10 digits; room for the property that counts them. */
const truncatedBytes = kafkaTruncatedName.length + 12

type Pair = readonly [name: string, value: string | Buffer]
type KafkaRecord = Pick<BatchRecord, 'key' | 'value' | 'headers'>

/** At most `bytesMax` bytes, which is 512 or more. Never throws. */
export function propertiesOfRecord(
  record: KafkaRecord,
  uniqueKey: string,
  bytesMax: number
): Buffer {
  const fixed: Pair[] = [[uniqueKeyName, uniqueKey]]
  if (record.value === null) fixed.push([kafkaValueName, 'null'])
  const room = bytesMax - truncatedBytes
  fixed.push(...keyPairs(record.key, room - sizeOf(fixed)))
  const { kept, left } = headerPairs(record.headers, bytesMax - sizeOf(fixed))
  const truncated: Pair[] = left === 0 ? [] : [[kafkaTruncatedName, String(left)]]
  return formatProperties([...fixed, ...kept, ...truncated])
}

function keyPairs(key: Buffer | null, room: number): Pair[] {
  if (key === null) return []
  if (key.length === 0) return [[kafkaKeyName, 'empty']]
  const leftOut: Pair[] = [[kafkaKeyName, 'left-out']]
  if (key.length > room) return leftOut
  let pairs: Pair[] = [[keysName, key]]
  if (!isUtf8(key)) {
    pairs = [
      [keysName, key.toString('base64')],
      [kafkaKeyName, 'base64']
    ]
  } else if (hasSeparator(key)) {
    pairs = [
      [keysName, escapeBytes(key)],
      [kafkaKeyName, 'escaped']
    ]
  }
  return sizeOf(pairs) <= room ? pairs : leftOut
}

/** The headers that fit in `room`, with the property that counts the others where there are any. */
function headerPairs(headers: readonly RecordHeader[], room: number) {
  const seen = new Map<string, number>()
  const kept: Pair[] = []
  let used = 0
  for (const header of headers) {
    const pair = headerPair(header, seen, room - used)
    if (pair === undefined) break
    used += pairBytes(pair)
    kept.push(pair)
  }
  while (kept.length < headers.length && kept.length > 0 && used > room - truncatedBytes) {
    used -= pairBytes(kept.pop()!)
  }
  return { kept, left: headers.length - kept.length }
}

/** Undefined where it takes more than `room` bytes. */
function headerPair(
  { name, value }: RecordHeader,
  seen: Map<string, number>,
  room: number
): Pair | undefined {
  // Looked at first: what cannot fit is not worth encoding.
  if (name.length + (value?.length ?? 0) > room) return undefined
  const id = name.toString('latin1')
  const n = (seen.get(id) ?? 0) + 1
  seen.set(id, n)
  const pair = pairOf(name, value, n)
  return pairBytes(pair) <= room ? pair : undefined
}

function pairOf(name: Buffer, value: Buffer | null, n: number): Pair {
  const escaped = () => `${n}_${escapeBytes(name)}`
  if (value === null) return [`${kafkaPrefix}NULL_${escaped()}`, 'null']
  if (value.length === 0) return [`${kafkaPrefix}EMPTY_${escaped()}`, 'empty']
  if (!isUtf8(value)) return [`${kafkaPrefix}BASE64_${escaped()}`, value.toString('base64')]
  const text = name.toString()
  const plain =
    n === 1 &&
    name.length > 0 &&
    isUtf8(name) &&
    !text.startsWith(kafkaPrefix) &&
    !drivesRocketmq(text) &&
    !hasSeparator(name) &&
    !hasSeparator(value)
  return plain ? [text, value] : [`${kafkaPrefix}TEXT_${escaped()}`, escapeBytes(value)]
}

function pairBytes([name, value]: Pair): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value) + 2
}

function sizeOf(pairs: readonly Pair[]): number {
  return pairs.reduce((sum, pair) => sum + pairBytes(pair), 0)
}

function hasSeparator(bytes: Buffer): boolean {
  return bytes.includes(1) || bytes.includes(2)
}

function escapeBytes(bytes: Buffer): string {
  const isText = isUtf8(bytes)
  let text = ''
  for (const character of isText ? bytes.toString() : bytes.toString('latin1')) {
    const code = character.charCodeAt(0)
    const plain = character !== '%' && code !== 1 && code !== 2 && (isText || code < 128)
    text += plain ? character : `%${code.toString(16).padStart(2, '0').toUpperCase()}`
  }
  return text
}

/** Undefined for what `escapeBytes` never makes. */
function unescapeText(text: string): Buffer | undefined {
  if (!text.includes('%')) return Buffer.from(text)
  const parts: Buffer[] = []
  for (const part of text.split(/(%[0-9A-F]{2})/)) {
    const code = /^%[0-9A-F]{2}$/.test(part)
    if (!code && part.includes('%')) return undefined
    parts.push(code ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part))
  }
  return Buffer.concat(parts)
}

export interface RecordParts {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** The headers are the properties, name by name: they make the same string again. */
  readonly isSame: boolean
}

/**
 * Key, value and headers for a message's properties and body. What a Kafka record once was (it came to a RocketMQ
 * client, which sent it on; or it is a retry's copy) it is again. Never throws.
 */
export function recordParts({ all, isWhole }: ParsedProperties, body: Buffer): RecordParts {
  const keys = all.findLast(({ name }) => name === keysName)?.value ?? null
  if (!all.some(({ name }) => name.startsWith(kafkaPrefix))) {
    const headers = all.map(({ nameBytes, value }) => ({ name: nameBytes, value }))
    return { key: keys, value: body, headers, isSame: isWhole }
  }
  const marked = all.findLast(({ name }) => name === kafkaKeyName)?.value.toString()
  const key = markedKey(marked, keys)
  const headers: RecordHeader[] = []
  let value: Buffer | null = body
  for (const property of all) {
    const { name } = property
    if (key !== undefined && (name === kafkaKeyName || name === keysName)) continue
    if (name === kafkaValueName && body.length === 0 && property.value.toString() === 'null') {
      value = null
      continue
    }
    headers.push(headerOf(property))
  }
  return { key: key ?? keys, value, headers, isSame: false }
}

/** The key that KAFKA_KEY and KEYS together mean; undefined where they mean none. */
function markedKey(marked: string | undefined, keys: Buffer | null): Buffer | undefined {
  if (marked === 'empty') return keys === null ? Buffer.alloc(0) : undefined
  if (keys === null) return undefined
  if (marked === 'base64') return base64Bytes(keys.toString())
  return marked === 'escaped' ? unescapeText(keys.toString()) : undefined
}

const markedHeader = new RegExp(`^${kafkaPrefix}(TEXT|NULL|EMPTY|BASE64)_\\d{1,10}_(.*)$`, 's')

function headerOf({ name, nameBytes, value }: Property): RecordHeader {
  const same = { name: nameBytes, value }
  const match = name.startsWith(kafkaPrefix) ? markedHeader.exec(name) : null
  if (match === null) return same
  const was = unescapeText(match[2]!)
  const text = value.toString()
  if (was === undefined) return same
  if (match[1] === 'NULL') return { name: was, value: null }
  if (match[1] === 'EMPTY') return { name: was, value: Buffer.alloc(0) }
  const bytes = match[1] === 'BASE64' ? base64Bytes(text) : unescapeText(text)
  return bytes === undefined ? same : { name: was, value: bytes }
}

/** Undefined for a text that is no base64 as we write it. */
function base64Bytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
