/** Bodies: JSON of a declared type, bytes that mean something elsewhere, property texts, or none. */
import { parseJson } from './loose-json.ts'
import { ParameterError, ProtocolError } from './protocol-error.ts'
import type { AnyType, ReadFields, Type, WrittenFields } from './types.ts'

export interface Body<Out, In> {
  /** Of JSON. */
  readonly type?: AnyType
  /** Throws ParameterError. */
  read(bytes: Buffer): Out
  /** Chunks, by reference. */
  write(value: In): readonly Buffer[]
}

export type AnyBody = Body<unknown, never>
export type BodyOf<B> = B extends Body<infer Out, never> ? Out : never
export type BodyInput<B> = B extends Body<unknown, infer In> ? In : never

export const noBody: Body<undefined, undefined> = {
  read: () => undefined,
  write: () => []
}

export const bytes: Body<Buffer, Buffer | readonly Buffer[]> = {
  read: (body) => body,
  write: (value) => (Buffer.isBuffer(value) ? [value] : value)
}

/** Lines of `name=value`, as Java's Properties in their simplest form: '#' begins a comment, no escapes. */
export const propertyLines: Body<ReadonlyMap<string, string>, ReadonlyMap<string, string>> = {
  read: (body) => {
    const properties = new Map<string, string>()
    for (const line of body.toString('utf8').split(/\r?\n/)) {
      const trimmed = line.trim()
      if (trimmed === '' || /^[#!]/.test(trimmed)) continue
      const end = trimmed.search(/[=:]/)
      if (end < 0) properties.set(trimmed, '')
      else properties.set(trimmed.slice(0, end).trim(), trimmed.slice(end + 1).trim())
    }
    return properties
  },
  write: (properties) => [
    Buffer.from([...properties].map(([name, value]) => `${name}=${value}\n`).join(''))
  ]
}

/** A body that is JSON as fastjson has it; written compact, names sorted, what is undefined left out. */
export function json<Out, In>(type: Type<Out, In, boolean>): Body<Out, In> {
  return {
    type,
    read: (body) => readJsonText(type, body.toString('utf8'), 'body'),
    write: (value) => [Buffer.from(type.toJson(value))]
  }
}

function readJsonText<Out>(type: Type<Out, never, boolean>, json: string, path: string): Out {
  if (json === '') throw new ParameterError(`the ${path} is missing`)
  let value: unknown
  try {
    value = parseJson(json)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ParameterError(`the ${path} is ${error.message}`)
  }
  return type.fromJson(value, path)
}

export type StructFields = Readonly<Record<string, AnyType>>

/** An object with these fields; others are ignored. */
export function struct<F extends StructFields>(
  fields: F
): Type<ReadFields<F>, WrittenFields<F>, false> {
  const rows = Object.entries(fields)
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    shape: { kind: 'struct', fields },
    mayOmit: false,
    fromJson: (value, path) => {
      const object = objectOf(value, path)
      const values: Record<string, unknown> = {}
      for (const [name, type] of rows) values[name] = readOne(type, object[name], `${path}.${name}`)
      return values as ReadFields<F>
    },
    toJson: (values) => {
      const parts: string[] = []
      for (const [name, type] of sorted) {
        const value = (values as Record<string, unknown>)[name] ?? type.ifAbsent?.()
        if (value !== undefined)
          parts.push(`${JSON.stringify(name)}:${type.toJson(value as never)}`)
        else if (!type.mayOmit) throw new TypeError(`${name} is missing`)
      }
      return `{${parts.join(',')}}`
    }
  }
}

/** An array; absent or null reads as empty. */
export function list<Out, In>(
  element: Type<Out, In, false>
): Type<readonly Out[], readonly In[], false> {
  return {
    shape: { kind: 'list', element },
    mayOmit: false,
    ifAbsent: () => [],
    fromJson: (value, path) => {
      if (!Array.isArray(value)) throw new ParameterError(`the field ${path} is no array`)
      return value.map((one, index) => readOne(element, one, `${path}[${index}]`))
    },
    toJson: (values) => `[${values.map((value) => element.toJson(value)).join(',')}]`
  }
}

/** An object whose names are data, in the order given; entries that are null are skipped, absent reads as empty. */
export function table<Out, In>(
  element: Type<Out, In, false>
): Type<ReadonlyMap<string, Out>, ReadonlyMap<string, In>, false> {
  return {
    shape: { kind: 'table', element },
    mayOmit: false,
    ifAbsent: () => new Map(),
    fromJson: (value, path) => {
      const entries = Object.entries(objectOf(value, path)).filter(([, one]) => one !== null)
      return new Map(
        entries.map(([name, one]) => [name, readOne(element, one, `${path}.${name}`)] as const)
      )
    },
    toJson: (values) => {
      const entries = [...values].map(
        ([name, value]) => `${JSON.stringify(name)}:${element.toJson(value)}`
      )
      return `{${entries.join(',')}}`
    }
  }
}

/**
 * A map whose keys are objects, as pairs. Written as fastjson does, `{{"a":1}:2}`: its readers refuse an array of pairs,
 * and the Go client's takes no other spelling. Read so, or with each key's JSON as a text.
 */
export function keyed<KeyOut, KeyIn, Out, In>(
  key: Type<KeyOut, KeyIn, false>,
  element: Type<Out, In, false>
): Type<readonly (readonly [KeyOut, Out])[], readonly (readonly [KeyIn, In])[], false> {
  return {
    shape: { kind: 'keyed', key, element },
    mayOmit: false,
    ifAbsent: () => [],
    fromJson: (value, path) =>
      Object.entries(objectOf(value, path)).map(([name, one]) => {
        const place = `${path}.${name}`
        return [readJsonText(key, name, place), readOne(element, one, place)] as const
      }),
    toJson: (pairs) =>
      `{${pairs.map(([k, value]) => `${key.toJson(k)}:${element.toJson(value)}`).join(',')}}`
  }
}

function readOne<Out>(type: Type<Out, never, boolean>, value: unknown, path: string): Out {
  if (value !== undefined && value !== null) return type.fromJson(value, path)
  if (type.ifAbsent === undefined) throw new ParameterError(`the field ${path} is missing`)
  return type.ifAbsent()
}

function objectOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParameterError(`the field ${path} is no object`)
  }
  return value as Readonly<Record<string, unknown>>
}
