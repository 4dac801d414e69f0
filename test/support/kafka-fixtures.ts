import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AnyMessage,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  ProtocolError,
  Reader,
  readRequestBody,
  readRequestHeader
} from '../../gateway/kafka/codec/index.ts'
import { parseHexText } from './capture.ts'
import { messageNamed } from './kafka-schemas.ts'

/** Tests run from the project's root. */
const folder = 'test/fixtures/kafka/frames'

/** A captured frame, and what kafka-clients read in it. */
export type Fixture = {
  readonly file: string
  readonly message: AnyMessage
  readonly version: number
  /** Without the length in front. */
  readonly frame: Buffer
  readonly json: {
    readonly correlationId: number
    readonly clientId?: string | null
    readonly body: unknown
  }
}

/** All captured frames. Their first line is `# Fetch request, version 11`. */
export function kafkaFixtures(): Fixture[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.hex'))
  return files.map((file) => {
    const text = readFileSync(join(folder, file), 'utf8')
    const [, name, direction, version] = /^# (\w+) (\w+), version (\d+)$/m.exec(text) ?? []
    const json = JSON.parse(readFileSync(join(folder, file.replace('.hex', '.json')), 'utf8'))
    return {
      file,
      message: messageNamed(name!, direction!),
      version: Number(version),
      frame: parseHexText(text),
      json: json as Fixture['json']
    }
  })
}

export type Decoded = {
  readonly correlationId: number
  readonly clientId?: string | null
  readonly body: Readonly<Record<string, unknown>>
}

/** Decodes a whole frame, request or response. Throws ProtocolError. */
export function decodeFrame(message: AnyMessage, version: number, frame: Buffer): Decoded {
  if (message.direction === 'response') return decodeResponse(message, version, frame)
  const reader = new Reader(frame)
  const { correlationId, clientId, ...header } = readRequestHeader(reader)
  if (header.apiKey !== message.key) throw new ProtocolError(`API key ${header.apiKey}`)
  if (header.version !== version) throw new ProtocolError(`version ${header.version}`)
  const body = readRequestBody(message, version, reader)
  if (reader.remaining > 0) throw new ProtocolError('bytes behind the body')
  return { correlationId, clientId, body }
}

/** Encodes a whole frame, and returns it without its length. */
export function encodeFrame(
  message: AnyMessage,
  version: number,
  { correlationId, clientId = null, body }: Decoded
): Buffer {
  const chunks =
    message.direction === 'response'
      ? encodeResponse(message, version, correlationId, body)
      : encodeRequest(message, version, { correlationId, clientId }, body)
  const framed = Buffer.concat(chunks)
  const bytes = framed.readInt32BE(0)
  if (bytes !== framed.length - 4) throw new Error(`${framed.length} bytes, length says ${bytes}`)
  return framed.subarray(4)
}
