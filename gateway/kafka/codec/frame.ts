import { apiKeys } from './api-keys.ts'
import { Reader, Writer } from './bytes.ts'
import { compileRead, type Read, skipTags } from './decode.ts'
import { compileWrite, type Write, writeNoTags } from './encode.ts'
import { ProtocolError } from './protocol-error.ts'
import type { AnyMessage, BodyOf, Fields, InputOf, Message } from './schema.ts'

/*
 * Frames (kafka-apis: "Framing, headers"): int32 length, header, body. Decoders take what follows
 * the length; encoders put the length in front. Codecs are compiled when a version is first met.
 */

/**
 * Every request begins with these; version 2 of the header adds a tag buffer, which belongs to the
 * flexible body here.
 */
export type RequestHeader = {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  /** What the client calls itself; its length is an int16 in every version. */
  readonly clientId: string | null
}

/**
 * Reads a request's header up to the client id and leaves the reader there. Throws ProtocolError.
 */
export function readRequestHeader(reader: Reader): RequestHeader {
  const apiKey = reader.int16()
  const version = reader.int16()
  const correlationId = reader.int32()
  const bytes = reader.int16()
  const clientId = bytes < 0 ? null : reader.text(bytes)
  return { apiKey, version, correlationId, clientId }
}

/**
 * Reads a request's body where `readRequestHeader` left off. Bytes behind the body are ignored, as
 * Kafka's broker does. Throws ProtocolError; a version outside the declaration is the caller's
 * mistake (RangeError).
 */
export function readRequestBody<F extends Fields>(
  message: Message<F>,
  version: number,
  reader: Reader
): BodyOf<Message<F>> {
  if (message.isFlexible(version)) skipTags(reader)
  return readerOf(message, version)(reader) as BodyOf<Message<F>>
}

/**
 * The frame that answers a request, length included, as chunks to be written in order; record
 * batches are among them by reference. Throws TypeError on a value that the version cannot carry.
 */
export function encodeResponse<F extends Fields>(
  message: Message<F>,
  version: number,
  correlationId: number,
  body: InputOf<Message<F>>
): Buffer[] {
  const write = writerOf(message, version)
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (hasResponseTags(message, version)) writeNoTags(writer)
  write(writer, body)
  return finishFrame(writer)
}

/** The client's side of `readRequestHeader` and `readRequestBody`: a whole request frame. */
export function encodeRequest<F extends Fields>(
  message: Message<F>,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  body: InputOf<Message<F>>
): Buffer[] {
  const write = writerOf(message, version)
  const writer = new Writer()
  writer.int32(0)
  writer.int16(message.key)
  writer.int16(version)
  writer.int32(header.correlationId)
  if (header.clientId === null) writer.int16(-1)
  else writer.text(header.clientId, false)
  if (message.isFlexible(version)) writeNoTags(writer)
  write(writer, body)
  return finishFrame(writer)
}

/**
 * The client's side of `encodeResponse`: reads a response frame (without its length), and all of
 * it.
 */
export function decodeResponse<F extends Fields>(
  message: Message<F>,
  version: number,
  frame: Buffer
): { readonly correlationId: number; readonly body: BodyOf<Message<F>> } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (hasResponseTags(message, version)) skipTags(reader)
  const body = readerOf(message, version)(reader) as BodyOf<Message<F>>
  if (reader.remaining > 0) throw new ProtocolError(`${reader.remaining} bytes behind the body`)
  return { correlationId, body }
}

/**
 * A response's header is flexible with its body, but for ApiVersions, whose asker may not know the
 * version (KIP-511).
 */
function hasResponseTags(message: AnyMessage, version: number): boolean {
  return message.isFlexible(version) && message.key !== apiKeys.ApiVersions
}

function finishFrame(writer: Writer): Buffer[] {
  writer.patchFirst(writer.length - 4)
  return writer.finish()
}

const readers = new WeakMap<AnyMessage, Read[]>()
const writers = new WeakMap<AnyMessage, Write[]>()

function readerOf(message: AnyMessage, version: number): Read {
  return compiled(readers, message, version, compileRead)
}

function writerOf(message: AnyMessage, version: number): Write {
  return compiled(writers, message, version, compileWrite)
}

function compiled<Codec>(
  all: WeakMap<AnyMessage, Codec[]>,
  message: AnyMessage,
  version: number,
  compile: (body: AnyMessage['body'], version: number, flexible: boolean) => Codec
): Codec {
  const known = all.get(message)
  const found = known?.[version]
  if (found !== undefined) return found
  if (!message.serves(version)) {
    throw new RangeError(`${message.name} ${message.direction} has no version ${version}`)
  }
  const codec = compile(message.body, version, message.isFlexible(version))
  if (known === undefined) {
    const list: Codec[] = []
    list[version] = codec
    all.set(message, list)
  } else known[version] = codec
  return codec
}
