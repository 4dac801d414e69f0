/**
 * Bodies that kafka-clients encoded (test/clients/java/FilledMessages.java): every field of every version, none at its
 * default; of equal bytes only the first version is told.
 */
import { readFileSync } from 'node:fs'
import { compileRead } from '../../gateway/kafka/codec/decode.ts'
import { type AnyMessage, Reader } from '../../gateway/kafka/codec/index.ts'
import { encodeFrame } from './kafka-fixtures.ts'

interface Filled {
  readonly message: string
  readonly version: number
  readonly hex: string
  readonly value: unknown
}

export interface FilledBody {
  /** The body alone. */
  readonly hex: string
  /** What kafka-clients read in it. */
  readonly value: unknown
  /** As we read it. */
  readonly body: Readonly<Record<string, unknown>>
  /** With a header of ours, without its length. */
  readonly frame: Buffer
}

/** Tests run from the project's root. */
const path = 'test/fixtures/kafka/filled.jsonl'

let read: readonly Filled[] | undefined

function all(): readonly Filled[] {
  read ??= readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Filled)
  return read
}

/** Of the messages that are told, such as `Fetch request`. */
export function filledNames(): Set<string> {
  return new Set(all().map(({ message }) => message))
}

/** A version that is not told has the bytes of the last one that is. */
export function filledFor(message: AnyMessage, version: number): FilledBody[] {
  const name = `${message.name} ${message.direction}`
  const told = all().filter((one) => one.message === name && one.version <= version)
  const last = Math.max(...told.map((one) => one.version))
  return told
    .filter((one) => one.version === last)
    .map(({ hex, value }) => {
      const reader = new Reader(Buffer.from(hex, 'hex'))
      const read = compileRead(message.body, version, message.isFlexible(version))
      const body = read(reader) as Record<string, unknown>
      if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes are left`)
      const frame = encodeFrame(message, version, { correlationId: 1, clientId: null, body })
      return { hex, value, body, frame }
    })
}
