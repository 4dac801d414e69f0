/*
 * Frames (RemotingCommand): int32 length, then what is read here.
 *
 *   0  serialisation of the header (1): 0 JSON, 1 binary
 *   1  bytes of the header (3)
 *   4  header, then the body to the end
 */
import { readBinaryHeader, writeBinaryHeader } from './command-binary.ts'
import { readJsonHeader, writeJsonHeader } from './command-json.ts'
import type { Language } from './language.ts'
import { ProtocolError } from './protocol-error.ts'

/** Java's decoder takes frames of 16 MiB, their four bytes of length included: what a frame's length may say. */
export const frameLengthMax = 16_777_212

export type Serialization = 'json' | 'binary'

/** What the header holds, whichever way it is written. */
export interface CommandHeader {
  /** Of a request what is asked, of a response how it went. */
  readonly code: number
  readonly language: Language
  /** The sender's version, an ordinal of MQVersion. */
  readonly version: number
  /** Ties a response to its request; each side counts its own requests. */
  readonly opaque: number
  /** `flags`, or'ed. */
  readonly flag: number
  readonly remark: string | null
  /** extFields: texts, whichever header carried them. */
  readonly fields: ReadonlyMap<string, string>
}

export interface Command extends CommandHeader {
  readonly serialization: Serialization
  /** Empty where there is none: the wire does not tell the two apart. */
  readonly body: Buffer
}

export const flags = { response: 1, oneway: 2 } as const

const typeBytes = { json: 0, binary: 1 } as const satisfies Record<Serialization, number>

/** Reads a frame without its length; the body is a slice of it. Throws ProtocolError. */
export function decodeCommand(frame: Buffer): Command {
  if (frame.length > frameLengthMax) throw new ProtocolError(`a frame of ${frame.length} bytes`)
  if (frame.length < 4) throw new ProtocolError('a frame without a header length')
  const type = frame.readUInt8(0)
  const end = 4 + frame.readUIntBE(1, 3)
  if (end > frame.length) throw new ProtocolError('the header ends behind the frame')
  const body = frame.subarray(end)
  if (type === typeBytes.json) {
    return { ...readJsonHeader(frame.toString('utf8', 4, end)), serialization: 'json', body }
  }
  if (type === typeBytes.binary) {
    return { ...readBinaryHeader(frame.subarray(4, end)), serialization: 'binary', body }
  }
  throw new ProtocolError(`a header of unknown type ${type}`)
}

/**
 * The whole frame, its length included, as chunks to be sent in order; the body's are passed on by reference. Throws
 * RangeError where the frame would be larger than clients take.
 */
export function encodeCommand(
  command: CommandHeader & { readonly serialization: Serialization },
  body: readonly Buffer[]
): Buffer[] {
  const { serialization } = command
  const header = serialization === 'json' ? writeJsonHeader(command) : writeBinaryHeader(command)
  let length = 4 + header.length
  for (const chunk of body) length += chunk.length
  if (length > frameLengthMax) {
    throw new RangeError(`a frame of ${length} bytes; clients take ${frameLengthMax}`)
  }
  const head = Buffer.allocUnsafe(8 + header.length)
  head.writeInt32BE(length, 0)
  head.writeUInt8(typeBytes[serialization], 4)
  head.writeUIntBE(header.length, 5, 3)
  header.copy(head, 8)
  return [head, ...body]
}
