/** A RocketMQ message as the record that is stored; docs/mapping.md is the contract. */

import type { RecordHeader } from '../../../storage/batch/records.ts'
import { varintBytes, writeVarint } from '../../../storage/batch/varint.ts'
import type { PackedRecord } from '../../../storage/contract.ts'
import { copyBytes } from './copy-bytes.ts'
import { recordParts } from './kafka-properties.ts'
import { type Message, type MessageFault, propertiesBytesMax } from './message-codec.ts'
import { endsSeparated, isAt, parseProperties, propertyBounds } from './properties.ts'
import { kafkaPrefix, keySeparator, keysName, uniqueKeyName } from './property-names.ts'
import { encodeRmqHeader, rmqHeaderName } from './rmq-header.ts'
import { compressedFlag } from './sys-flags.ts'

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
  const { bounds, isWhole } = propertyBounds(properties)
  const timestamp = Math.min(Math.max(Math.trunc(bornTimestampMs), 0), recordTimestampMax)
  const parts = wasKafka(properties, bounds)
    ? recordParts(parseProperties(properties), body)
    : undefined
  const rmq = encodeRmqHeader({
    flag: message.flag,
    sysFlag,
    reconsumeTimes: message.reconsumeTimes,
    preparedOffset: message.preparedOffset,
    bornHost: message.bornHost,
    endsSeparated: endsSeparated(properties),
    bornTimestampMs: timestamp === bornTimestampMs ? undefined : bornTimestampMs,
    rawProperties: isWhole && parts === undefined ? undefined : properties
  })
  const keys = lastNamed(properties, bounds, keysBytes)
  const uniqueKey = lastNamed(properties, bounds, uniqueKeyBytes)
  return {
    timestamp,
    encoded: parts
      ? encodeFields(parts.key, parts.value, [
          ...parts.headers,
          { name: rmqHeaderName, value: rmq }
        ])
      : encodeMessageFields(keys, message, bounds, rmq),
    isCompressed: (sysFlag & compressedFlag) !== 0,
    keys: indexKeys(uniqueKey, keys)
  }
}

/** Whether a property says how a Kafka record was. */
function wasKafka(properties: Buffer, bounds: readonly number[]): boolean {
  const length = kafkaPrefixBytes.length
  for (let i = 0; i < bounds.length; i += 3) {
    const start = bounds[i]!
    if (properties[start] !== kafkaPrefixBytes[0] || bounds[i + 1]! - start < length) continue
    if (isAt(properties, start, start + length, kafkaPrefixBytes)) return true
  }
  return false
}

/** The value that counts of the property of that name. */
function lastNamed(properties: Buffer, bounds: readonly number[], name: Buffer): Buffer | null {
  for (let i = bounds.length - 3; i >= 0; i -= 3) {
    if (!isAt(properties, bounds[i]!, bounds[i + 1]!, name)) continue
    return properties.subarray(bounds[i + 1]! + 1, bounds[i + 2]!)
  }
  return null
}

/** RocketMQ's IndexService: the unique key, and KEYS cut at spaces. */
function indexKeys(uniqueKey: Buffer | null, keys: Buffer | null): readonly string[] {
  const all = new Set<string>()
  if (uniqueKey !== null) all.add(uniqueKey.toString())
  if (keys !== null) {
    for (const key of keys.toString().split(keySeparator)) if (key !== '') all.add(key)
  }
  return [...all]
}

/** `encodeFields` for a message whose properties are its headers, without a slice for each of them. */
function encodeMessageFields(
  key: Buffer | null,
  { body, properties }: Message,
  bounds: readonly number[],
  rmq: Buffer
): Buffer {
  const headers = bounds.length / 3 + 1
  let bytes = fieldBytes(key) + fieldBytes(body) + varintBytes(headers)
  for (let i = 0; i < bounds.length; i += 3) {
    const [name, value] = [bounds[i + 1]! - bounds[i]!, bounds[i + 2]! - bounds[i + 1]! - 1]
    bytes += varintBytes(name) + name + varintBytes(value) + value
  }
  bytes += fieldBytes(rmqHeaderName) + fieldBytes(rmq)
  const target = Buffer.allocUnsafe(bytes)
  let at = writeField(target, body, writeField(target, key, 0))
  at = writeVarint(target, headers, at)
  for (let i = 0; i < bounds.length; i += 3) {
    at = writePart(target, properties, bounds[i]!, bounds[i + 1]!, at)
    at = writePart(target, properties, bounds[i + 1]! + 1, bounds[i + 2]!, at)
  }
  writeField(target, rmq, writeField(target, rmqHeaderName, at))
  return target
}

function writePart(target: Buffer, from: Buffer, start: number, end: number, at: number): number {
  const next = writeVarint(target, end - start, at)
  return copyBytes(target, next, from, start, end)
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
  return copyBytes(target, writeVarint(target, field.length, at), field)
}

const keysBytes = Buffer.from(keysName)
const uniqueKeyBytes = Buffer.from(uniqueKeyName)
const kafkaPrefixBytes = Buffer.from(kafkaPrefix)
