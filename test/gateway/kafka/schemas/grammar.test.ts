import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import {
  type AnyField,
  type AnyMessage,
  apiKeys,
  type Fields,
  zeroUuid
} from '../../../../gateway/kafka/codec/index.ts'
import { errorCodes } from '../../../../gateway/kafka/error-codes.ts'
import { allMessages } from '../../../support/kafka-schemas.ts'

/*
 * Every declaration against what kafka-clients knows of the grammar (made by
 * test/clients/java/SchemaFacts.java).
 */

type MessageFacts = {
  readonly key: number
  readonly firstFlexible: number | null
  readonly layouts: Readonly<Record<string, string>>
  readonly defaults: string
}

type Facts = {
  readonly source: string
  readonly messages: Readonly<Record<string, MessageFacts>>
  readonly errors: Readonly<Record<string, number>>
}

// Tests run from the project's root.
const facts = JSON.parse(readFileSync('test/fixtures/kafka/schemas.json', 'utf8')) as Facts

/** Served, but newer than the clients that told the facts; none of them changes the layout. */
const newerVersions: Readonly<Record<string, number>> = { ListOffsets: 11 }

function layoutOf(fields: Fields, version: number): string {
  const served = Object.entries(fields).filter(
    ([, { shape }]) => version >= shape.since && version <= shape.until
  )
  const plain = served
    .filter(([, { shape }]) => shape.tag < 0)
    .map(([name, field]) => `${name} ${typeOf(field, version)}`)
  const tagged = served
    .filter(([, { shape }]) => shape.tag >= 0)
    .sort(([, a], [, b]) => a.shape.tag - b.shape.tag)
    .map(([name, field]) => `${field.shape.tag}: ${name} ${typeOf(field, version)}`)
  return [...plain, ...tagged].join('; ')
}

function typeOf({ shape }: AnyField, version: number): string {
  if (shape.kind === 'struct') return `{${layoutOf(shape.fields!, version)}}`
  const nullable = version >= shape.nullableSince ? '?' : ''
  if (shape.kind === 'array') return `[${typeOf(shape.element!, version)}]${nullable}`
  const wide = shape.kind === 'offset64' || shape.kind === 'clamped64'
  return (wide ? 'int64' : shape.kind) + nullable
}

function fallbacksOf(fields: Fields, path = ''): string[] {
  return Object.entries(fields).flatMap(([name, { shape }]) => {
    const inner = shape.kind === 'array' ? shape.element!.shape.fields : shape.fields
    const own =
      shape.kind === 'struct' && shape.fallback !== null
        ? []
        : [`${path}${name}=${fallbackText(shape.fallback)}`]
    return inner === null ? own : [...own, ...fallbacksOf(inner, `${path}${name}.`)]
  })
}

function fallbackText(fallback: unknown): string {
  if (Array.isArray(fallback)) return fallback.length === 0 ? '[]' : 'not empty'
  if (Buffer.isBuffer(fallback)) return `'${fallback.toString('hex')}'`
  if (fallback === zeroUuid) return 'zero'
  return typeof fallback === 'string' ? `'${fallback}'` : String(fallback)
}

function layoutInFacts(message: MessageFacts, version: number): string | undefined {
  const found = Object.entries(message.layouts).find(([range]) => {
    const [first, last] = range.split('-').map(Number)
    return version >= first! && version <= last!
  })
  return found?.[1]
}

function factsOf(message: AnyMessage): MessageFacts {
  const kind = message.direction === 'request' ? 'Request' : 'Response'
  return facts.messages[`${message.name}${kind}`]!
}

for (const message of allMessages) {
  t.test(`${message.name} ${message.direction} is as ${facts.source} has it`, async (t) => {
    const known = factsOf(message)
    t.equal(message.key, known.key)
    t.equal(
      Number.isFinite(message.firstFlexible) ? message.firstFlexible : null,
      known.firstFlexible
    )
    const fields = message.body.shape.fields!
    for (let version = message.versions[0]; version <= message.versions[1]; version++) {
      const asked = version === newerVersions[message.name] ? version - 1 : version
      t.equal(layoutOf(fields, version), layoutInFacts(known, asked), `version ${version}`)
    }
    const defaults = new Set(known.defaults.split('; '))
    const different = fallbacksOf(fields).filter((line) => !defaults.has(line))
    t.strictSame(different, [], 'fallbacks are the defaults')
  })
}

t.test(
  'every schema file is in the list, and every API that has a key has both schemas',
  async (t) => {
    const files = readdirSync('gateway/kafka/schemas').filter((name) => name.endsWith('.ts'))
    t.equal(allMessages.length, files.length * 2)
    const told = allMessages.map(({ name, direction }) => `${name} ${direction}`).sort()
    const wanted = Object.keys(apiKeys).flatMap((name) => [`${name} request`, `${name} response`])
    t.strictSame(told, wanted.sort())
  }
)

t.test(`error names and codes are those of ${facts.source}`, async (t) => {
  for (const [name, code] of Object.entries(errorCodes)) t.equal(code, facts.errors[name], name)
})
