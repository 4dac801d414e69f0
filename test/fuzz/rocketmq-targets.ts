/** RocketMQ's frames, what is in them, and filter expressions. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import {
  type AnyRequest,
  type Command,
  decodeCommand,
  encodeCommand,
  ParameterError,
  ProtocolError
} from '../../gateway/rocketmq/codec/index.ts'
import { ExpressionError, SqlFilters } from '../../gateway/rocketmq/filter/sql-filters.ts'
import { rocketmqFixtures } from '../support/rocketmq-fixtures.ts'
import { declaredRequests } from '../support/rocketmq-requests.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { FuzzTarget } from './fuzz.ts'

/** Larger ones take long and say no more. */
const frameBytesMax = 3000
const requests = new Map(
  (await declaredRequests()).map(({ request }) => [request.code, request] as const)
)

/** Longest name of a field, and largest code and version, of the binary header. */
const int16Max = 32_767

/** Both ways to write the header, as far as they can carry it. */
function assertSameAgain(command: Command): void {
  assert(isDeepStrictEqual(written(command, 'json'), { ...command, serialization: 'json' }))
  const { code, version, fields } = command
  const isSmall = [code, version].every((one) => one <= int16Max && one >= -int16Max - 1)
  if (!isSmall) {
    assert.throws(() => written(command, 'binary'), RangeError)
  } else if ([...fields.keys()].every((name) => Buffer.byteLength(name) <= int16Max)) {
    assert(isDeepStrictEqual(written(command, 'binary'), asBinary(command)), 'not so in binary')
  }
}

function written(command: Command, serialization: Command['serialization']): Command {
  const chunks = encodeCommand({ ...command, serialization }, [command.body])
  return decodeCommand(Buffer.concat(chunks).subarray(4))
}

/** An empty remark is none there, and half a character of UTF-16 is U+FFFD. */
function asBinary(command: Command): Command {
  const inUtf8 = (text: string) => Buffer.from(text).toString()
  const fields = [...command.fields].map(([name, value]) => [inUtf8(name), inUtf8(value)] as const)
  const remark = inUtf8(command.remark ?? '')
  return {
    ...command,
    serialization: 'binary',
    remark: remark === '' ? null : remark,
    fields: new Map(fields)
  }
}

/** What the declaration reads can be written, and is read as the same. */
function readDeclared(request: AnyRequest, command: Command): void {
  const { header, body } = request
  const values = header.read(command.fields)
  const again = header.read(header.write(values as never))
  assert(isDeepStrictEqual(again, values), 'the header is read as another')
  const content = body.read(command.body)
  const chunks = body.write(content as never)
  assert(isDeepStrictEqual(body.read(Buffer.concat(chunks)), content), 'the body is')
}

export const rocketmqCommands: FuzzTarget = {
  name: 'rocketmq-commands',
  claim: 'a frame is a command, in both serialisations the same, or a ProtocolError; its parts too',
  seeds: () => {
    const small = rocketmqFixtures().filter(({ frame }) => frame.length <= frameBytesMax)
    return small.map(({ frame }) => frame)
  },
  check: (input) => {
    try {
      const command = decodeCommand(input)
      assertSameAgain(command)
      const request = requests.get(command.code)
      if (request !== undefined) readDeclared(request, command)
      return true
    } catch (error) {
      if (error instanceof ProtocolError || error instanceof ParameterError) return false
      throw error
    }
  }
}

const words = [
  ...['AND', 'OR', 'NOT', 'IN', 'BETWEEN', 'IS', 'NULL', 'TRUE', 'FALSE', 'CONTAINS', 'STARTSWITH'],
  ...['ENDSWITH', '(', ')', ',', '=', '<>', '>', '>=', '<', '<=', '+', '-', "'", "''", "'a'", '1'],
  ...['1.5', '1e400', '9223372036854775807', '-1', '0x1', 'a', '_b', '$c', '/*', '*/', '--', '\n'],
  ...['\u0000', '\u{1f600}', '.', '1.', 'a.b']
]
const valuesOf = ['', '1', '-0', '1.5', 'NaN', 'a', "'", 'true', '9223372036854775808', '1e400']
const wordsMax = 12

export const sqlFilters: FuzzTarget = {
  name: 'sql-filters',
  claim: 'a text is a filter that says yes or no of any properties, or an ExpressionError',
  seeds: () => {
    const path = 'test/fixtures/rocketmq/sql92-verdicts.json'
    const { verdicts } = JSON.parse(readFileSync(path, 'utf8')) as { verdicts: [string, unknown][] }
    const deep = ['(', 'NOT ', '-'].map((one) => `${one.repeat(300)}a = 1`)
    const long = `a IN (${"'b', ".repeat(500)}'c')`
    return [...verdicts.map(([text]) => text), ...deep, long].map((text) => Buffer.from(text))
  },
  mend: withWords,
  check: (input) => {
    // Kept filters would make a second try another one.
    const filters = new SqlFilters()
    try {
      const filter = filters.compile(input.toString())
      for (const [index, one] of valuesOf.entries()) {
        const other = valuesOf[(index * 7 + 3) % valuesOf.length]
        for (const properties of [
          () => one,
          () => undefined,
          (name: string) => pick(name, one, other)
        ])
          assert.equal(typeof filter(properties), 'boolean')
      }
      return true
    } catch (error) {
      if (error instanceof ExpressionError) return false
      throw error
    }
  }
}

const pick = (name: string, one?: string, other?: string) => (name.length % 2 === 0 ? one : other)

/** Puts words of the language between others. */
function withWords(input: Buffer, random: SeededRandom): Buffer {
  const parts = input.toString().split(' ')
  for (let left = random.between(1, wordsMax); left > 0; left--) {
    const at = random.integer(parts.length + 1)
    parts.splice(at, random.integer(2), random.pick(words))
  }
  return Buffer.from(parts.join(random.chance(0.9) ? ' ' : ''))
}
