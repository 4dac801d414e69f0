/**
 * RocketMQ's stored message (MessageDecoder, MessageExtEncoder): what the bodies of pull, view and query answers are
 * made of, one after the other. Big endian; hosts are 8 bytes, or 20 with IPv6:
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 4 | total size | with this field |
 * | 4 | 4 | magic | 0xDAA320A7; 0xDAA320AB where the topic's length takes 2 bytes |
 * | 8 | 4 | body CRC-32 | of the body as stored, top bit cleared |
 * | 12 | 4 | queue id | |
 * | 16 | 4 | flag | the user's |
 * | 20 | 8 | queue offset | |
 * | 28 | 8 | physical offset | |
 * | 36 | 4 | sysFlag | sys-flags.ts |
 * | 40 | 8 | born timestamp | ms |
 * | 48 | 8 or 20 | born host | |
 * | | 8 | store timestamp | ms |
 * | | 8 or 20 | store host | |
 * | | 4 | reconsume times | |
 * | | 8 | prepared transaction offset | |
 * | | 4 + n | body | |
 * | | 1 + n | topic | 2 + n with the second magic |
 * | | 2 + n | properties | |
 */
import { crc32 } from '@node-rs/crc32'
import { approximateInt64, writeApproximateInt64 } from '../../../storage/batch/int64.ts'
import { type Host, hostBytes, isIpv6, readHost, writeHost } from './hosts.ts'
import { bornHostIpv6Flag, storeHostIpv6Flag } from './sys-flags.ts'

export const messageMagic = 0xdaa320a7 | 0
/** Java 5.1 and up reads it, Go never does; written only where one byte of topic length cannot do. */
export const messageMagicLongTopic = 0xdaa320ab | 0
/** Java 4.9 reads the length of a topic as a signed byte. */
const shortTopicBytesMax = 127
const topicBytesMax = 32_767
/** The length is a signed int16 (Short.MAX_VALUE in RocketMQ). */
export const propertiesBytesMax = 32_767

/** What of a message is its sender's, and what a broker keeps of how it came. */
export interface Message {
  /** The user's, any int32. */
  readonly flag: number
  /** The host bits (0x30) are not looked at: they follow from the hosts. */
  readonly sysFlag: number
  /** ms; a safe integer. */
  readonly bornTimestampMs: number
  readonly bornHost: Host
  readonly reconsumeTimes: number
  /** Physical offset of the half message that this one was committed from; 0n for others. */
  readonly preparedOffset: bigint
  /** The property string (properties.ts). */
  readonly properties: Buffer
  /** As sent: compressed where the sysFlag says so. */
  readonly body: Buffer
}

/** The message with some of its fields replaced. Whatever it is an object of, the result is fields alone. */
export function editedMessage(message: Message, edits: Partial<Message>): Message {
  // A message's own properties may have to be made: not where they are replaced.
  return {
    flag: edits.flag ?? message.flag,
    sysFlag: edits.sysFlag ?? message.sysFlag,
    bornTimestampMs: edits.bornTimestampMs ?? message.bornTimestampMs,
    bornHost: edits.bornHost ?? message.bornHost,
    reconsumeTimes: edits.reconsumeTimes ?? message.reconsumeTimes,
    preparedOffset: edits.preparedOffset ?? message.preparedOffset,
    properties: edits.properties ?? message.properties,
    body: edits.body ?? message.body
  }
}

/** Where a message is, as the reading connection is told. */
export interface MessagePlace {
  /** RocketMQ's name of the topic, UTF-8. */
  readonly topic: Buffer
  readonly queueId: number
  readonly queueOffset: number
  /** physical-offset.ts. */
  readonly physicalOffset: bigint
  readonly storeTimestampMs: number
  readonly storeHost: Host
}

/** Bytes besides body, topic and properties, for IPv4 hosts and a short topic. */
const fixedBytes = 91

export function messageBytes(message: Message, place: MessagePlace): number {
  const hosts = hostBytes(message.bornHost) + hostBytes(place.storeHost) - 16
  const topic = place.topic.length + (place.topic.length > shortTopicBytesMax ? 1 : 0)
  return fixedBytes + hosts + topic + message.body.length + message.properties.length
}

/**
 * Writes the message at `at` of `target`, where `messageBytes` are free; returns where the next byte goes. Properties
 * have at most `propertiesBytesMax` bytes, the topic at most 32,767: a RangeError is the caller's mistake.
 */
export function writeMessage(
  target: Buffer,
  message: Message,
  place: MessagePlace,
  start: number
): number {
  const { body, properties } = message
  const { topic } = place
  if (properties.length > propertiesBytesMax || topic.length > topicBytesMax) {
    throw new RangeError(`${properties.length} bytes of properties, ${topic.length} of topic`)
  }
  const longTopic = topic.length > shortTopicBytesMax
  target.writeInt32BE(messageBytes(message, place), start)
  target.writeInt32BE(longTopic ? messageMagicLongTopic : messageMagic, start + 4)
  target.writeInt32BE(bodyCrc(body), start + 8)
  target.writeInt32BE(place.queueId, start + 12)
  target.writeInt32BE(message.flag, start + 16)
  writeApproximateInt64(target, start + 20, place.queueOffset)
  target.writeBigInt64BE(place.physicalOffset, start + 28)
  target.writeInt32BE(sysFlagWithHosts(message, place), start + 36)
  writeApproximateInt64(target, start + 40, message.bornTimestampMs)
  let at = writeHost(target, message.bornHost, start + 48)
  writeApproximateInt64(target, at, place.storeTimestampMs)
  at = writeHost(target, place.storeHost, at + 8)
  at = target.writeInt32BE(message.reconsumeTimes, at)
  at = target.writeBigInt64BE(message.preparedOffset, at)
  at = target.writeInt32BE(body.length, at)
  at += body.copy(target, at)
  at = longTopic ? target.writeInt16BE(topic.length, at) : target.writeUInt8(topic.length, at)
  at += topic.copy(target, at)
  at = target.writeInt16BE(properties.length, at)
  return at + properties.copy(target, at)
}

export function encodeMessage(message: Message, place: MessagePlace): Buffer {
  const target = Buffer.allocUnsafe(messageBytes(message, place))
  writeMessage(target, message, place, 0)
  return target
}

/** RocketMQ's UtilAll.crc32: 31 bits. */
export function bodyCrc(body: Buffer): number {
  return crc32(body) & 0x7fffffff
}

function sysFlagWithHosts(message: Message, place: MessagePlace): number {
  const plain = message.sysFlag & ~(bornHostIpv6Flag | storeHostIpv6Flag)
  const born = isIpv6(message.bornHost) ? bornHostIpv6Flag : 0
  return plain | born | (isIpv6(place.storeHost) ? storeHostIpv6Flag : 0)
}

/** Why bytes are no message, or a message none that can be kept; the list is closed. */
export const messageFaultCodes = [
  /** Cut short, or lengths that contradict each other. */
  'length',
  'magic',
  /** Properties past `propertiesBytesMax`, the broker's additions counted in. */
  'properties-too-long'
] as const
export type MessageFaultCode = (typeof messageFaultCodes)[number]

export interface MessageFault {
  readonly fault: MessageFaultCode
  readonly text: string
}

export function isMessageFault<T>(value: T | MessageFault): value is MessageFault {
  return typeof value === 'object' && value !== null && 'fault' in value
}

export interface DecodedMessage {
  readonly message: Message
  readonly place: MessagePlace
  /** As it says; `bodyCrc(message.body)` is what it should be. */
  readonly bodyCrc: number
  /** Total size. */
  readonly bytes: number
}

/** The message at `start`; its buffers are slices. Never throws. Times and offsets beyond 2^53 come out rounded. */
export function decodeMessage(bytes: Buffer, start = 0): DecodedMessage | MessageFault {
  const there = bytes.length - start
  const total = there < fixedBytes ? 0 : bytes.readInt32BE(start)
  if (total < fixedBytes || total > there) return lengthFault(`${total} bytes in ${there}`)
  const magic = bytes.readInt32BE(start + 4)
  if (magic !== messageMagic && magic !== messageMagicLongTopic) {
    return { fault: 'magic', text: `magic ${magic}` }
  }
  const end = start + total
  const sysFlag = bytes.readInt32BE(start + 36)
  const bornIpv6 = (sysFlag & bornHostIpv6Flag) !== 0
  const storeIpv6 = (sysFlag & storeHostIpv6Flag) !== 0
  const longTopic = magic === messageMagicLongTopic
  const extra = (bornIpv6 ? 12 : 0) + (storeIpv6 ? 12 : 0) + (longTopic ? 1 : 0)
  if (total < fixedBytes + extra) return lengthFault(`${total} bytes in all`)
  const bornHost = readHost(bytes, bornIpv6, start + 48)
  let at = start + 48 + hostBytes(bornHost)
  const storeTimestampMs = approximateInt64(bytes, at)
  const storeHost = readHost(bytes, storeIpv6, at + 8)
  at += 8 + hostBytes(storeHost)
  const reconsumeTimes = bytes.readInt32BE(at)
  const preparedOffset = bytes.readBigInt64BE(at + 4)
  const bodyLength = bytes.readInt32BE(at + 12)
  at += 16
  // What is left for body, topic and properties together.
  const left = total - fixedBytes - extra
  if (bodyLength < 0 || bodyLength > left) return lengthFault(`body of ${bodyLength} bytes`)
  const body = bytes.subarray(at, at + bodyLength)
  at += bodyLength
  const topicLength = longTopic ? bytes.readInt16BE(at) : bytes.readUInt8(at)
  at += longTopic ? 2 : 1
  if (topicLength < 0 || topicLength > left - bodyLength) {
    return lengthFault(`topic of ${topicLength} bytes`)
  }
  const topic = bytes.subarray(at, at + topicLength)
  at += topicLength
  const propertiesLength = bytes.readInt16BE(at)
  at += 2
  if (propertiesLength < 0 || at + propertiesLength !== end) {
    return lengthFault(`properties of ${propertiesLength} bytes`)
  }
  return {
    message: {
      flag: bytes.readInt32BE(start + 16),
      sysFlag,
      bornTimestampMs: approximateInt64(bytes, start + 40),
      bornHost,
      reconsumeTimes,
      preparedOffset,
      properties: bytes.subarray(at, end),
      body
    },
    place: {
      topic,
      queueId: bytes.readInt32BE(start + 12),
      queueOffset: approximateInt64(bytes, start + 20),
      physicalOffset: bytes.readBigInt64BE(start + 28),
      storeTimestampMs,
      storeHost
    },
    bodyCrc: bytes.readInt32BE(start + 8),
    bytes: total
  }
}

/** A whole body of messages, nothing after the last. Never throws. */
export function decodeMessages(bytes: Buffer): DecodedMessage[] | MessageFault {
  const all: DecodedMessage[] = []
  for (let at = 0; at < bytes.length; ) {
    const one = decodeMessage(bytes, at)
    if (isMessageFault(one)) return one
    all.push(one)
    at += one.bytes
  }
  return all
}

function lengthFault(text: string): MessageFault {
  return { fault: 'length', text }
}
