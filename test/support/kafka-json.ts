import type { AnyField, AnyMessage, Fields } from '../../gateway/kafka/codec/index.ts'

/**
 * A decoded body as kafka-clients' JSON converters show it: the fields of that version only, tagged
 * ones only where they differ from their default; ids as base64url, bytes as base64, of records the
 * size.
 */
export function kafkaJsonOf(message: AnyMessage, version: number, body: unknown): unknown {
  return structJson(message.body.shape.fields!, version, body as Struct)
}

type Struct = Readonly<Record<string, unknown>>

function structJson(fields: Fields, version: number, value: Struct): Record<string, unknown> {
  const json: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const { since, until, tag, kind } = field.shape
    if (version < since || version > until) continue
    if (!(name in value)) throw new Error(`${name} is missing`)
    if (tag >= 0 && isDefault(field, value[name])) continue
    if (kind === 'records' && value[name] !== null) {
      json[`${name}SizeInBytes`] = (value[name] as Buffer).length
    } else json[name] = fieldJson(field, version, value[name])
  }
  return json
}

function fieldJson(field: AnyField, version: number, value: unknown): unknown {
  const { kind, element, fields } = field.shape
  if (value === null) return null
  if (kind === 'struct') return structJson(fields!, version, value as Struct)
  if (kind === 'array') return (value as unknown[]).map((one) => fieldJson(element!, version, one))
  if (kind === 'uuid') return Buffer.from(value as string, 'hex').toString('base64url')
  if (kind === 'bytes') return (value as Buffer).toString('base64')
  if (kind === 'int64') return Number(value)
  return value
}

function isDefault({ shape }: AnyField, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (shape.kind !== 'struct') return value === shape.fallback
  return Object.entries(shape.fields!).every(([name, field]) =>
    isDefault(field, (value as Struct)[name])
  )
}
