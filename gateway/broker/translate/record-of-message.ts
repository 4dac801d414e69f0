/** A RocketMQ message as the record that is stored; docs/mapping.md is the contract. */
import type { RecordHeader } from '../../../storage/batch/records.ts'
import { varintBytes, writeVarint } from '../../../storage/batch/varint.ts'
import { recordParts } from './kafka-properties.ts'
import { type Message, type MessageFault, propertiesBytesMax } from './message-codec.ts'
import { type ParsedProperties, parseProperties } from './properties.ts'
import { keySeparator, keysName, uniqueKeyName } from './property-names.ts'
import { encodeRmqHeader, rmqHeaderName } from './rmq-header.ts'
import { compressedFlag } from './sys-flags.ts'

/** A record ready for packing: its bytes are all of a batch's record after the offset delta. */
export interface PackedRecord {
  /** ms, 0 to 2^51: born timestamp. */
  readonly timestamp: number
  /** Lengths and bytes of key and value, number of headers, headers. */
  readonly encoded: Buffer
  /** The body is compressed as RocketMQ does it: Kafka readers need it inflated. */
  readonly isCompressed: boolean
  /** What the record is found by: UNIQ_KEY and each of KEYS; none twice. */
  readonly keys: readonly string[]
}

/** Beyond it a batch's deltas could not be written; the exact time then rides in the header `rmq`. */
export const recordTimestampMax = 2 ** 51

/**
 * `message.properties` are as they shall be stored: `editSentProperties` has been at them, or the caller's own edits
 * (a retry's, a half message's). Never throws.
 */
export function recordOfMessage(message: Message): PackedRecord | MessageFault {
  const { properties, body, sysFlag, bornTimestampMs } = message
  if (properties.length > propertiesBytesMax) {
    const text = `${properties.length} bytes of properties, allowed are ${propertiesBytesMax}`
    return { fault: 'properties-too-long', text }
  }
  const parsed = parseProperties(properties)
  const parts = recordParts(parsed, body)
  const timestamp = Math.min(Math.max(Math.trunc(bornTimestampMs), 0), recordTimestampMax)
  const rmq = encodeRmqHeader({
    flag: message.flag,
    sysFlag,
    reconsumeTimes: message.reconsumeTimes,
    preparedOffset: message.preparedOffset,
    bornHost: message.bornHost,
    endsSeparated: parsed.endsSeparated,
    ...(timestamp !== bornTimestampMs && { bornTimestampMs }),
    ...(!parts.isSame && { rawProperties: properties })
  })
  const headers = [...parts.headers, { name: rmqHeaderName, value: rmq }]
  return {
    timestamp,
    encoded: encodeFields(parts.key, parts.value, headers),
    isCompressed: (sysFlag & compressedFlag) !== 0,
    keys: indexKeys(parsed)
  }
}

/** RocketMQ's IndexService: the unique key, and KEYS cut at spaces. */
function indexKeys({ all }: ParsedProperties): readonly string[] {
  const keys = new Set<string>()
  const unique = all.findLast(({ name }) => name === uniqueKeyName)?.value.toString()
  if (unique !== undefined) keys.add(unique)
  const text = all.findLast(({ name }) => name === keysName)?.value.toString() ?? ''
  for (const key of text.split(keySeparator)) if (key !== '') keys.add(key)
  return [...keys]
}

/** Key, value and headers as a record of the batch format v2 has them. */
export function encodeFields(
  key: Buffer | null,
  value: Buffer | null,
  headers: readonly RecordHeader[]
): Buffer {
  let bytes = fieldBytes(key) + fieldBytes(value) + varintBytes(headers.length)
  for (const header of headers) bytes += fieldBytes(header.name) + fieldBytes(header.value)
  const target = Buffer.allocUnsafe(bytes)
  let at = writeField(target, value, writeField(target, key, 0))
  at = writeVarint(target, headers.length, at)
  for (const header of headers) {
    at = writeField(target, header.value, writeField(target, header.name, at))
  }
  return target
}

export function fieldBytes(field: Buffer | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length
}

export function writeField(target: Buffer, field: Buffer | null, at: number): number {
  if (field === null) return writeVarint(target, -1, at)
  const start = writeVarint(target, field.length, at)
  return start + field.copy(target, start)
}
