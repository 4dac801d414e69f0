/** A header's fields, declared once: the names that handlers see, and the names on the wire where those are others. */
import { ParameterError } from './protocol-error.ts'
import type { AnyScalar, ReadFields, WrittenFields } from './types.ts'

export type HeaderFields = Readonly<Record<string, AnyScalar>>

interface WireField {
  readonly name: string
  readonly wireName: string
  readonly type: AnyScalar
}

export class Header<F extends HeaderFields> {
  readonly fields: F
  readonly #wire: readonly WireField[]

  constructor(fields: F, wireNames: Readonly<Partial<Record<string, string>>>) {
    this.fields = fields
    this.#wire = Object.entries(fields).map(([name, type]) => {
      return { name, wireName: wireNames[name] ?? name, type }
    })
  }

  /** The names on the wire, in the order of the declaration. */
  get wireNames(): readonly string[] {
    return this.#wire.map(({ wireName }) => wireName)
  }

  /** Throws ParameterError for a field that is missing or makes no sense. What is not declared is ignored. */
  read(map: ReadonlyMap<string, string>): ReadFields<F> {
    const values: Record<string, unknown> = {}
    for (const { name, wireName, type } of this.#wire) {
      const found = map.get(wireName)
      const isThere = found !== undefined && !(found === '' && mayBeEmptied(type))
      if (isThere) {
        values[name] = type.fromText(found, named(name, wireName))
      } else if (type.ifAbsent !== undefined) values[name] = type.ifAbsent()
      else throw new ParameterError(`the field ${named(name, wireName)} is missing`)
    }
    return values as ReadFields<F>
  }

  /** Throws TypeError where a required value is missing. */
  write(values: WrittenFields<F>): Map<string, string> {
    const map = new Map<string, string>()
    for (const { name, wireName, type } of this.#wire) {
      const value = (values as Record<string, unknown>)[name] ?? type.ifAbsent?.()
      if (value !== undefined) map.set(wireName, type.toText(value as never))
      else if (!type.mayOmit) throw new TypeError(`${name} is missing`)
    }
    return map
  }
}

/** `wireNames`: for fields whose name on the wire is another (the letters of SEND_MESSAGE_V2). */
export function header<F extends HeaderFields>(
  fields: F,
  wireNames?: Readonly<Partial<Record<keyof F, string>>>
): Header<F> {
  return new Header(fields, wireNames ?? {})
}

export interface AnyHeader {
  readonly fields: HeaderFields
  readonly wireNames: readonly string[]
  read(map: ReadonlyMap<string, string>): Readonly<Record<string, unknown>>
  write(values: never): Map<string, string>
}

/** What a handler gets: every field is there, undefined only where it is optional. */
export type HeaderOf<H> = H extends Header<infer F> ? ReadFields<F> : never
/** What an answer gives. */
export type HeaderInput<H> = H extends Header<infer F> ? WrittenFields<F> : never

/** The binary header knows no null: an empty text is none, but where a text must be. */
function mayBeEmptied(type: AnyScalar): boolean {
  return type.ifAbsent !== undefined || type.shape.kind !== 'text'
}

function named(name: string, wireName: string): string {
  return name === wireName ? name : `${name} (${wireName})`
}
