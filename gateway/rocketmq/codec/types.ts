/**
 * The types that fields of headers and bodies are declared with. A scalar has two spellings: in a header every value is
 * a text, in a JSON body a number is a number. `Out` is what a reader gets, `In` what a writer takes, and `Omit` whether
 * a writer may leave the field out.
 */
import { ParameterError } from './protocol-error.ts'

export type ScalarKind = 'text' | 'int' | 'long' | 'bigLong' | 'double' | 'bool'

/** What a type is made of, for whoever walks declarations (tests, the docs). */
export type Shape =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'struct'; readonly fields: Readonly<Record<string, AnyType>> }
  | { readonly kind: 'list' | 'table'; readonly element: AnyType }
  | { readonly kind: 'keyed'; readonly key: AnyType; readonly element: AnyType }

export interface Type<Out, In, Omit extends boolean> {
  readonly shape: Shape
  readonly mayOmit: Omit
  /** What a reader gets where the field is absent or null; without it the field is required. */
  readonly ifAbsent?: () => Out
  /** `path` names the field in the ParameterError that this may throw. */
  fromJson(value: unknown, path: string): Out
  toJson(value: In): string
}

export interface Scalar<Out, In, Omit extends boolean> extends Type<Out, In, Omit> {
  fromText(text: string, path: string): Out
  toText(value: In): string
}

export type AnyType = Type<unknown, never, boolean>
export type AnyScalar = Scalar<unknown, never, boolean>

/** What a reader gets of a type. */
export type Read<T> = T extends Type<infer Out, never, boolean> ? Out : never
/** What a writer takes. */
export type Written<T> = T extends Type<unknown, infer In, boolean> ? In : never

type OmitKeys<F> = { [K in keyof F]: F[K] extends { mayOmit: true } ? K : never }[keyof F]

export type ReadFields<F> = { readonly [K in keyof F]: Read<F[K]> }
export type WrittenFields<F> = {
  readonly [K in Exclude<keyof F, OmitKeys<F>>]: Written<F[K]>
} & { readonly [K in OmitKeys<F>]?: Written<F[K]> | undefined }

function scalar<T>(
  kind: ScalarKind,
  parse: (text: string) => T | undefined,
  toText: (value: T) => string,
  toJson: (value: T) => string = toText
): Scalar<T, T, false> {
  const word = kind === 'bigLong' ? 'long' : kind
  const fromText = (text: string, path: string): T => {
    const value = parse(text)
    if (value === undefined) {
      throw new ParameterError(`the field ${path} is no ${word}: '${text.slice(0, 64)}'`)
    }
    return value
  }
  // As fastjson: a number may be told as a text, and a text as a number or a boolean.
  const fromJson = (value: unknown, path: string): T => {
    if (typeof value === 'object') throw new ParameterError(`the field ${path} is no ${word}`)
    return fromText(typeof value === 'number' ? digitsOf(value) : String(value), path)
  }
  const shape = { kind }
  return { shape, mayOmit: false, fromText, toText, fromJson, toJson }
}

/** Java's long beyond what a number holds exactly is told in digits all the same. */
function digitsOf(value: number): string {
  return Number.isInteger(value) ? BigInt(value).toString() : String(value)
}

export const text = scalar('text', (value) => value, String, JSON.stringify)

/** A 32-bit integer. */
export const int = scalar(
  'int',
  (value) => {
    const number = integerOf(value)
    return number !== undefined && number === (number | 0) ? number | 0 : undefined
  },
  String
)

/** A 64-bit integer within what a number holds exactly; others are refused. */
export const long = scalar(
  'long',
  (value) => {
    const number = integerOf(value)
    return Number.isSafeInteger(number) ? number : undefined
  },
  String
)

/** A 64-bit integer; beyond ±(2^53-1) it is that bound. For times, where tools say Long.MAX_VALUE for 'ever'. */
export const clampedLong = scalar(
  'long',
  (value) => {
    const number = integerOf(value)
    return number === undefined
      ? undefined
      : Math.max(Math.min(number, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)
  },
  String
)

/** A 64-bit integer as the nearest number: for versions that are only compared (Go counts them in nanoseconds). */
export const nearestLong = scalar('long', integerOf, digitsOf)

/** A 64-bit integer, exact: places in the log, which use all 63 bits. */
export const bigLong = scalar(
  'bigLong',
  (value) => {
    const number = integerOf(value) === undefined ? undefined : BigInt(value.replace('+', ''))
    return number === BigInt.asIntN(64, number ?? 0n) ? number : undefined
  },
  String
)

/** A double. */
export const double = scalar(
  'double',
  (value) => {
    const number = Number(value)
    return value.trim() === '' || Number.isNaN(number) ? undefined : number
  },
  String
)

/** As Boolean.parseBoolean: whatever is not 'true' is false. */
export const bool = scalar('bool', (value) => value.toLowerCase() === 'true', String)

function integerOf(value: string): number | undefined {
  return /^[+-]?\d{1,19}$/.test(value) ? Number(value) + 0 : undefined
}

/** A field that may be absent: it then reads as undefined. */
export function optional<T>(type: Scalar<T, T, false>): Scalar<T | undefined, T, true>
export function optional<Out, In>(type: Type<Out, In, false>): Type<Out | undefined, In, true>
export function optional<Out, In>(type: Type<Out, In, false>): Type<Out | undefined, In, true> {
  return { ...type, mayOmit: true, ifAbsent: () => undefined }
}

/** A field that reads as `value` where it is absent, and is written so where it is left out. */
export function defaulted<T>(type: Scalar<T, T, false>, value: T): Scalar<T, T, true>
export function defaulted<Out, In>(type: Type<Out, In, false>, value: Out & In): Type<Out, In, true>
export function defaulted<Out, In>(
  type: Type<Out, In, false>,
  value: Out & In
): Type<Out, In, true> {
  return { ...type, mayOmit: true, ifAbsent: () => value }
}
