import type { Reader, Writer } from './bytes.ts'
import type { Read } from './decode.ts'
import type { Write } from './encode.ts'

/*
 * The one place where source text is compiled. Storing and loading properties whose names are only
 * known at run time is most of what decoding and encoding would cost (50 ns a property against 4,
 * bench/codec.ts), so for each struct and version two small functions are made that have the names
 * in their text. The names are those of the schemas, checked here; nothing from the wire comes
 * near. Where Node may not compile source text (--disallow-code-generation-from-strings), loops do
 * the same, more slowly.
 */

export type Struct = { readonly [name: string]: unknown }

/** A field to be read, or, where `read` is null, to be set to `fallback`. */
export type FieldReader = {
  readonly name: string
  readonly read: Read | null
  readonly fallback: unknown
}

export type FieldWriter = {
  readonly name: string
  readonly write: Write
  readonly fallback: unknown
}

/** Reads the fields in order into a new object, which has them all. */
export function structReadFunction(fields: readonly FieldReader[]): (reader: Reader) => Struct {
  const names = fields.map(({ name }) => checkedName(name))
  const values = names.map((name, i) => `${name}: ${fields[i]!.read ? `r${i}(reader)` : `f${i}`}`)
  const parameters = names.map((_, i) => (fields[i]!.read ? `r${i}` : `f${i}`))
  const text = `return (reader) => ({ ${values.join(', ')} })`
  const made = compiled(parameters, text)
  if (made === null) return loopReadFunction(fields)
  return made(...fields.map(({ read, fallback }) => read ?? fallback))
}

function loopReadFunction(fields: readonly FieldReader[]): (reader: Reader) => Struct {
  return (reader) => {
    const struct: Record<string, unknown> = {}
    for (const { name, read, fallback } of fields) {
      struct[name] = read === null ? fallback : read(reader)
    }
    return struct
  }
}

/**
 * Writes the fields in order; of one that is undefined, the fallback. Tells whether any of the
 * `others`, which it does not write, is given.
 */
export function structWriteFunction(
  fields: readonly FieldWriter[],
  others: readonly string[]
): (writer: Writer, struct: Struct) => boolean {
  const lines = fields.map(({ name }, i) => {
    return `value = struct.${checkedName(name)}; w${i}(writer, value === undefined ? f${i} : value)`
  })
  const given = others.map((name) => `struct.${checkedName(name)} !== undefined`)
  const last = `return ${given.join(' || ') || 'false'}`
  const text = `return (writer, struct) => { let value; ${[...lines, last].join('; ')} }`
  const parameters = fields.flatMap((_, i) => [`w${i}`, `f${i}`])
  const made = compiled(parameters, text)
  if (made === null) return loopWriteFunction(fields, others)
  return made(...fields.flatMap(({ write, fallback }) => [write, fallback]))
}

function loopWriteFunction(
  fields: readonly FieldWriter[],
  others: readonly string[]
): (writer: Writer, struct: Struct) => boolean {
  return (writer, struct) => {
    for (const { name, write, fallback } of fields) {
      const value = struct[name]
      write(writer, value === undefined ? fallback : value)
    }
    return others.some((name) => struct[name] !== undefined)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: its maker says what type the text gives
type Maker = (...values: readonly unknown[]) => any

/** Null where source text may not be compiled. */
function compiled(parameters: readonly string[], text: string): Maker | null {
  try {
    return new Function(...parameters, `'use strict'; ${text}`) as Maker
  } catch (error) {
    if (error instanceof EvalError) return null
    throw error
  }
}

function checkedName(name: string): string {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) throw new TypeError(`${name} cannot name a field`)
  return name
}
