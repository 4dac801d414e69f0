/**
 * The body of SEND_BATCH_MESSAGE (MessageDecoder.encodeMessages): messages one after the other, big endian, without
 * anything around them:
 *
 * | bytes | field | |
 * |---|---|---|
 * | 4 | total size | with this field |
 * | 4 | magic | 0 from clients, not looked at |
 * | 4 | body CRC | 0 from clients, not looked at |
 * | 4 | flag | |
 * | 4 + n | body | never compressed |
 * | 2 + n | properties | |
 */
import { type MessageFault, propertiesBytesMax } from './message-codec.ts'

export interface BatchedMessage {
  readonly flag: number
  readonly body: Buffer
  readonly properties: Buffer
}

const fixedBytes = 22

/** The messages in order; their buffers are slices. Never throws. */
export function decodeClientBatch(bytes: Buffer): BatchedMessage[] | MessageFault {
  const all: BatchedMessage[] = []
  for (let at = 0; at < bytes.length; ) {
    const total = bytes.length - at < fixedBytes ? 0 : bytes.readInt32BE(at)
    if (total < fixedBytes || total > bytes.length - at) return lengthFault(all.length)
    const one = decodeOne(bytes.subarray(at, at + total))
    if (one === undefined) return lengthFault(all.length)
    all.push(one)
    at += total
  }
  return all
}

function decodeOne(bytes: Buffer): BatchedMessage | undefined {
  const bodyEnd = 20 + bytes.readInt32BE(16)
  if (bodyEnd < 20 || bodyEnd > bytes.length - 2) return undefined
  const start = bodyEnd + 2
  if (start + bytes.readInt16BE(bodyEnd) !== bytes.length) return undefined
  return {
    flag: bytes.readInt32BE(12),
    body: bytes.subarray(20, bodyEnd),
    properties: bytes.subarray(start)
  }
}

/** As clients write it. Properties past `propertiesBytesMax` are a RangeError. */
export function encodeClientBatch(all: readonly BatchedMessage[]): Buffer {
  return Buffer.concat(all.map(encodeOne))
}

function encodeOne({ flag, body, properties }: BatchedMessage): Buffer {
  if (properties.length > propertiesBytesMax) {
    throw new RangeError(`${properties.length} bytes of properties`)
  }
  const bytes = Buffer.alloc(fixedBytes + body.length + properties.length)
  bytes.writeInt32BE(bytes.length, 0)
  bytes.writeInt32BE(flag, 12)
  bytes.writeInt32BE(body.length, 16)
  body.copy(bytes, 20)
  bytes.writeInt16BE(properties.length, 20 + body.length)
  properties.copy(bytes, fixedBytes + body.length)
  return bytes
}

function lengthFault(index: number): MessageFault {
  return { fault: 'length', text: `message ${index} of a batch does not fit its lengths` }
}
