import { type ApiName, apiNameOf } from './api-keys.ts'
import { zeroUuid } from './bytes.ts'

/*
 * Kafka's message grammar as data: one declaration holds all versions of a request or a response,
 * the types are inferred from it, and codecs are compiled from it per version (decode.ts,
 * encode.ts). Nothing here reads or writes a byte.
 */

export type ScalarKind =
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'offset64'
  | 'clamped64'
  | 'float64'
  | 'bool'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'

/** What a field is, in every version; versions are inclusive. */
export type Shape = {
  readonly kind: ScalarKind | 'array' | 'struct'
  readonly element: AnyField | null
  readonly fields: Fields | null
  readonly since: number
  readonly until: number
  readonly nullableSince: number
  /** The tag it is sent under, or -1 for a plain field. */
  readonly tag: number
  /** What stands for it where it is not sent, and what a tagged field is not sent for. */
  readonly fallback: unknown
}

/**
 * A field: `Out` is what decoding gives, `In` what encoding takes; an omittable one may be left out
 * when encoding. Every builder returns a new field.
 */
export class Field<Out, In = Out, Omittable extends boolean = false> {
  /** Types only; no such property exists. */
  declare readonly types: { readonly out: Out; readonly in: In; readonly omittable: Omittable }
  readonly shape: Shape

  constructor(shape: Shape) {
    this.shape = shape
  }

  /** The first version that has it. */
  since(version: number): Field<Out, In, Omittable> {
    return new Field({ ...this.shape, since: version })
  }

  /** The last version that has it. */
  until(version: number): Field<Out, In, Omittable> {
    return new Field({ ...this.shape, until: version })
  }

  /** Its value where a version has no such field, or where the encoder is given none. */
  or(fallback: Out): Field<Out, In, true> {
    return new Field({ ...this.shape, fallback })
  }

  /** May be null, from `version` on. */
  nullable(version = 0): Field<Out | null, In | null, Omittable> {
    return new Field({ ...this.shape, nullableSince: version })
  }

  /**
   * Sent as a tagged field (flexible versions only), and only when it differs from its fallback.
   */
  tagged(tag: number): Field<Out, In, true> {
    return new Field({ ...this.shape, tag })
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the one place where a field's types do not matter
export type AnyField = Field<any, any, boolean>
export type Fields = { readonly [name: string]: AnyField }

type OmittableNames<F extends Fields> = {
  [Name in keyof F]: F[Name]['types']['omittable'] extends true ? Name : never
}[keyof F]

/** What a struct of these fields decodes to: every field always present. */
export type OutOf<F extends Fields> = { readonly [Name in keyof F]: F[Name]['types']['out'] }

/** What a struct of these fields is encoded from: fields with a fallback may be left out. */
export type InOf<F extends Fields> = {
  readonly [Name in Exclude<keyof F, OmittableNames<F>>]: F[Name]['types']['in']
} & {
  readonly [Name in OmittableNames<F>]?: F[Name]['types']['in'] | undefined
}

function scalar<Out, In = Out>(kind: ScalarKind, fallback: unknown): Field<Out, In> {
  return new Field(shapeOf(kind, fallback))
}

function shapeOf(kind: Shape['kind'], fallback: unknown): Shape {
  return {
    kind,
    element: null,
    fields: null,
    since: 0,
    until: Number.POSITIVE_INFINITY,
    nullableSince: Number.POSITIVE_INFINITY,
    tag: -1,
    fallback
  }
}

export const int8 = scalar<number>('int8', 0)
export const int16 = scalar<number>('int16', 0)
export const int32 = scalar<number>('int32', 0)
/** A bigint, for values that are the client's and may be any. */
export const int64 = scalar<bigint>('int64', 0n)
/**
 * An int64 as a number: offsets, timestamps, producer ids. One that is no safe integer is refused.
 */
export const offset64 = scalar<number>('offset64', 0)
/**
 * An int64 as a number, where a client may say "very large" or "very small": clamped to the safe
 * integers.
 */
export const clamped64 = scalar<number>('clamped64', 0)
export const float64 = scalar<number>('float64', 0)
export const bool = scalar<boolean>('bool', false)
export const string = scalar<string>('string', '')
/** 32 lower-case hexadecimal digits. */
export const uuid = scalar<string>('uuid', zeroUuid)
/** Opaque bytes: a view on the frame when decoded, copied when encoded. */
export const bytes = scalar<Buffer, Uint8Array>('bytes', Buffer.alloc(0))
/**
 * Record batches: a view on the frame when decoded; when encoded, chunks that are passed on by
 * reference.
 */
export const records = new Field<Buffer | null, Buffer | readonly Buffer[] | null>({
  ...shapeOf('records', null),
  nullableSince: 0
})

export function array<Out, In>(
  element: Field<Out, In, boolean>
): Field<readonly Out[], readonly In[]> {
  return new Field({ ...shapeOf('array', Object.freeze([])), element })
}

export function struct<F extends Fields>(fields: F): Field<OutOf<F>, InOf<F>> {
  return new Field({ ...shapeOf('struct', fallbacksOf(fields)), fields })
}

function fallbacksOf(fields: Fields): unknown {
  const pairs = Object.entries(fields).map(([name, field]) => [name, field.shape.fallback])
  return Object.freeze(Object.fromEntries(pairs))
}

/** For `firstFlexible`: no version has tagged fields and compact lengths. */
export const neverFlexible = Number.POSITIVE_INFINITY

export type Direction = 'request' | 'response'

/** One request or response, in all its versions. */
export class Message<F extends Fields> {
  readonly name: ApiName
  readonly direction: Direction
  readonly key: number
  /** The versions that are decoded and encoded, inclusive. */
  readonly versions: readonly [number, number]
  /**
   * The versions that ApiVersions tells; wider than `versions` only where old clients need it
   * (KAFKA-18659).
   */
  readonly advertise: readonly [number, number]
  readonly firstFlexible: number
  readonly body: Field<OutOf<F>, InOf<F>>

  constructor(
    direction: Direction,
    key: number,
    versions: readonly [number, number],
    advertise: readonly [number, number],
    firstFlexible: number,
    fields: F
  ) {
    this.name = apiNameOf(key)
    this.direction = direction
    this.key = key
    this.versions = versions
    this.advertise = advertise
    this.firstFlexible = firstFlexible
    this.body = struct(fields)
  }

  serves(version: number): boolean {
    return version >= this.versions[0] && version <= this.versions[1]
  }

  isFlexible(version: number): boolean {
    return version >= this.firstFlexible
  }
}

export type AnyMessage = Message<Fields>

/** What a declared request or response decodes to. */
export type BodyOf<M extends Message<Fields>> = M['body']['types']['out']

/** What a declared request or response is encoded from. */
export type InputOf<M extends Message<Fields>> = M['body']['types']['in']

/**
 * Declares a request: its API key, the versions served, the first flexible one (KIP-482), its
 * fields.
 */
export function request<F extends Fields>(
  key: number,
  versions: readonly [number, number],
  firstFlexible: number,
  fields: F,
  options: { readonly advertise?: readonly [number, number] } = {}
): Message<F> {
  const advertise = options.advertise ?? versions
  return new Message('request', key, versions, advertise, firstFlexible, fields)
}

/** Declares the response to a request; key, versions and flexibility are the request's. */
export function response<F extends Fields>(to: Message<Fields>, fields: F): Message<F> {
  return new Message('response', to.key, to.versions, to.advertise, to.firstFlexible, fields)
}
