import { Writer } from './bytes.ts'
import type { AnyField, Fields, ScalarKind, Shape } from './schema.ts'
import { type FieldWriter, type Struct, structWriteFunction } from './struct-functions.ts'

/**
 * Writes one value. Throws TypeError on a value that the field cannot carry: the caller's mistake.
 */
export type Write = (writer: Writer, value: unknown) => void

/** The encoder of a field in one version: a tree of closures. */
export function compileWrite(field: AnyField, version: number, flexible: boolean): Write {
  const { shape } = field
  const nullable = version >= shape.nullableSince
  switch (shape.kind) {
    case 'array':
      return arrayWriter(shape, version, flexible, nullable)
    case 'struct': {
      const write = structWriter(shape.fields!, version, flexible)
      return nullable ? nullableStructWriter(write) : write
    }
    case 'string':
      return textWriter(flexible, nullable)
    case 'bytes':
      return bytesWriter(flexible, nullable)
    case 'records':
      return recordsWriter(flexible)
    default:
      return fixedWriters[shape.kind]
  }
}

const fixedWriters: Record<Exclude<ScalarKind, 'string' | 'bytes' | 'records'>, Write> = {
  int8: (writer, value) => writer.int8(value as number),
  int16: (writer, value) => writer.int16(value as number),
  int32: (writer, value) => writer.int32(value as number),
  int64: (writer, value) => writer.int64(value as bigint),
  offset64: (writer, value) => writer.safeInt64(value as number),
  clamped64: (writer, value) => writer.safeInt64(value as number),
  float64: (writer, value) => writer.float64(value as number),
  bool: (writer, value) => writer.int8(value ? 1 : 0),
  uuid: (writer, value) => writer.uuid(value as string)
}

function textWriter(flexible: boolean, nullable: boolean): Write {
  return (writer, value) => {
    if (value !== null) writer.text(value as string, flexible)
    else if (!nullable) refuseNull()
    else if (flexible) writer.unsignedVarint(0)
    else writer.int16(-1)
  }
}

function writeLength(writer: Writer, length: number, flexible: boolean): void {
  if (flexible) writer.unsignedVarint(length + 1)
  else writer.int32(length)
}

function bytesWriter(flexible: boolean, nullable: boolean): Write {
  return (writer, value) => {
    if (value === null) {
      if (!nullable) refuseNull()
      writeLength(writer, -1, flexible)
      return
    }
    const content = value as Uint8Array
    writeLength(writer, content.length, flexible)
    writer.copy(content)
  }
}

function recordsWriter(flexible: boolean): Write {
  return (writer, value) => {
    if (value === null) {
      writeLength(writer, -1, flexible)
      return
    }
    const chunks = (Array.isArray(value) ? value : [value]) as readonly Buffer[]
    let length = 0
    for (const chunk of chunks) length += chunk.length
    writeLength(writer, length, flexible)
    for (const chunk of chunks) writer.chunk(chunk)
  }
}

function arrayWriter(shape: Shape, version: number, flexible: boolean, nullable: boolean): Write {
  const write = compileWrite(shape.element!, version, flexible)
  return (writer, value) => {
    if (value === null) {
      if (!nullable) refuseNull()
      writeLength(writer, -1, flexible)
      return
    }
    const values = value as readonly unknown[]
    writeLength(writer, values.length, flexible)
    for (let i = 0; i < values.length; i++) write(writer, values[i])
  }
}

function nullableStructWriter(write: Write): Write {
  return (writer, value) => {
    writer.int8(value === null ? -1 : 1)
    if (value !== null) write(writer, value)
  }
}

function structWriter(fields: Fields, version: number, flexible: boolean): Write {
  const plain: FieldWriter[] = []
  const tagged: TaggedWriter[] = []
  for (const [name, { shape }] of Object.entries(fields)) {
    if (version < shape.since || version > shape.until) continue
    const write = compileWrite(fields[name]!, version, flexible)
    if (shape.tag < 0) plain.push({ name, write, fallback: shape.fallback })
    else tagged.push({ name, write, shape })
  }
  tagged.sort((a, b) => a.shape.tag - b.shape.tag)
  const names = tagged.map(({ name }) => name)
  const write = structWriteFunction(plain, names)
  if (!flexible) return write as Write
  return (writer, value) => {
    if (write(writer, value as Struct)) writeTags(writer, tagged, value as Struct)
    else writer.int8(0)
  }
}

type TaggedWriter = { readonly name: string; readonly write: Write; readonly shape: Shape }

/**
 * Writes those tagged fields that differ from their fallbacks, in the order of their tags
 * (KIP-482).
 */
function writeTags(writer: Writer, tagged: readonly TaggedWriter[], struct: Struct): void {
  const sent = tagged.filter(({ name, shape }) => !isFallback(struct[name], shape))
  writer.unsignedVarint(sent.length)
  for (const { name, write, shape } of sent) {
    const content = new Writer(false)
    write(content, struct[name])
    writer.unsignedVarint(shape.tag)
    writer.unsignedVarint(content.length)
    for (const chunk of content.finish()) writer.copy(chunk)
  }
}

function isFallback(value: unknown, shape: Shape): boolean {
  if (value === undefined || value === shape.fallback) return true
  if (value === null || shape.fallback === null) return false
  if (shape.kind === 'array' || shape.kind === 'bytes') {
    return (value as ArrayLike<unknown>).length === 0
  }
  if (shape.kind !== 'struct') return false
  return Object.entries(shape.fields!).every(([name, field]) =>
    isFallback((value as Struct)[name], field.shape)
  )
}

function refuseNull(): never {
  throw new TypeError('null where the field must not be null in this version')
}

/** An empty tag buffer, as a flexible header has it. */
export function writeNoTags(writer: Writer): void {
  writer.int8(0)
}
