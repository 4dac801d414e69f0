import type { Reader } from './bytes.ts'
import { ProtocolError } from './protocol-error.ts'
import type { AnyField, Fields, ScalarKind, Shape } from './schema.ts'
import { structReadFunction } from './struct-functions.ts'

/** Reads one value and moves on. */
export type Read = (reader: Reader) => unknown

/**
 * The decoder of a field in one version: a tree of closures, nothing of the declaration is looked
 * at again.
 */
export function compileRead(field: AnyField, version: number, flexible: boolean): Read {
  const { shape } = field
  const nullable = version >= shape.nullableSince
  switch (shape.kind) {
    case 'array':
      return arrayReader(shape, version, flexible, nullable)
    case 'struct': {
      const read = structReader(shape.fields!, version, flexible)
      return nullable ? (reader) => (reader.int8() < 0 ? null : read(reader)) : read
    }
    case 'string':
      return textReader(flexible, nullable)
    case 'bytes':
    case 'records':
      return bytesReader(flexible, nullable)
    default:
      return fixedReaders[shape.kind]
  }
}

const fixedReaders: Record<Exclude<ScalarKind, 'string' | 'bytes' | 'records'>, Read> = {
  int8: (reader) => reader.int8(),
  int16: (reader) => reader.int16(),
  int32: (reader) => reader.int32(),
  int64: (reader) => reader.int64(),
  offset64: (reader) => {
    const value = reader.nearInt64()
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`int64 near ${value} is too large`)
    return value
  },
  clamped64: (reader) =>
    Math.min(Math.max(reader.nearInt64(), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER),
  float64: (reader) => reader.float64(),
  bool: (reader) => reader.int8() !== 0,
  uuid: (reader) => reader.uuid()
}

function textReader(flexible: boolean, nullable: boolean): Read {
  const length = flexible ? compactLength : int16Length
  return (reader) => {
    const bytes = length(reader)
    return bytes < 0 ? absent(nullable) : reader.text(bytes)
  }
}

function bytesReader(flexible: boolean, nullable: boolean): Read {
  const length = flexible ? compactLength : int32Length
  return (reader) => {
    const bytes = length(reader)
    return bytes < 0 ? absent(nullable) : reader.slice(bytes)
  }
}

function arrayReader(shape: Shape, version: number, flexible: boolean, nullable: boolean): Read {
  const element = shape.element!
  const length = flexible ? compactLength : int32Length
  const read = compileRead(element, version, flexible)
  const bytesEach = Math.max(1, leastBytes(element, version, flexible))
  return (reader) => {
    const count = length(reader)
    if (count < 0) return absent(nullable)
    reader.claimElements(count, bytesEach)
    const values: unknown[] = []
    for (let i = 0; i < count; i++) values.push(read(reader))
    return values
  }
}

function structReader(fields: Fields, version: number, flexible: boolean): Read {
  const read = structReadFunction(
    Object.entries(fields).map(([name, field]) => {
      const { since, until, tag, fallback } = field.shape
      const plain = version >= since && version <= until && tag < 0
      return { name, read: plain ? compileRead(field, version, flexible) : null, fallback }
    })
  )
  if (!flexible) return read
  const tags = taggedReaders(fields, version, flexible)
  return (reader) => {
    const struct = read(reader)
    readTags(reader, tags, struct as Record<string, unknown>)
    return struct
  }
}

type TaggedReader = { readonly name: string; readonly read: Read }

function taggedReaders(
  fields: Fields,
  version: number,
  flexible: boolean
): Map<number, TaggedReader> {
  const readers = new Map<number, TaggedReader>()
  for (const [name, field] of Object.entries(fields)) {
    const { since, until, tag } = field.shape
    if (tag < 0 || version < since || version > until) continue
    readers.set(tag, { name, read: compileRead(field, version, flexible) })
  }
  return readers
}

/** Reads a struct's tagged fields into `value` and skips those it does not know (KIP-482). */
function readTags(
  reader: Reader,
  known: ReadonlyMap<number, TaggedReader>,
  value: Record<string, unknown>
): void {
  const count = reader.unsignedVarint()
  if (count === 0) return
  reader.claimElements(count, 2)
  for (let i = 0; i < count; i++) {
    const tagged = known.get(reader.unsignedVarint())
    const bytes = reader.unsignedVarint()
    const start = reader.position
    if (tagged === undefined) reader.skip(bytes)
    else {
      value[tagged.name] = tagged.read(reader)
      if (reader.position - start !== bytes) {
        throw new ProtocolError(`tagged field ${tagged.name} is not ${bytes} bytes long`)
      }
    }
  }
}

const noTags: ReadonlyMap<number, TaggedReader> = new Map()

/** Skips a tag buffer of which nothing is known: the one in a flexible header. */
export function skipTags(reader: Reader): void {
  readTags(reader, noTags, {})
}

function compactLength(reader: Reader): number {
  return reader.unsignedVarint() - 1
}

function int16Length(reader: Reader): number {
  return reader.int16()
}

function int32Length(reader: Reader): number {
  return reader.int32()
}

function absent(nullable: boolean): null {
  if (nullable) return null
  throw new ProtocolError('null where the field must not be null')
}

const fixedBytes: { readonly [kind: string]: number } = {
  int8: 1,
  bool: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  offset64: 8,
  clamped64: 8,
  float64: 8,
  uuid: 16
}

/** The fewest bytes that a field can take in this version. */
function leastBytes(field: AnyField, version: number, flexible: boolean): number {
  const { shape } = field
  const fixed = fixedBytes[shape.kind]
  if (fixed !== undefined) return fixed
  if (shape.kind !== 'struct') return flexible ? 1 : shape.kind === 'string' ? 2 : 4
  if (version >= shape.nullableSince) return 1
  let sum = flexible ? 1 : 0
  for (const inner of Object.values(shape.fields!)) {
    const { since, until, tag } = inner.shape
    if (tag < 0 && version >= since && version <= until) sum += leastBytes(inner, version, flexible)
  }
  return sum
}
