import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { ExpressionError, expressionDepthMax } from '../../../../gateway/rocketmq/filter/parse.ts'
import { SqlFilters } from '../../../../gateway/rocketmq/filter/sql-filters.ts'
import { judge } from '../../../clients/rocketmq/expressions.ts'
import { projectFolder } from '../../../source-files.ts'
import { seedOfRun } from '../../../support/seeded-random.ts'

const filters = new SqlFilters()

function matches(text: string, properties: Readonly<Record<string, string>>): boolean {
  return filters.compile(text)((name) => properties[name])
}

function refusal(text: string): ExpressionError {
  try {
    filters.compile(text)
  } catch (error) {
    if (error instanceof ExpressionError) return error
    throw error
  }
  throw new Error(`taken: ${text}`)
}

t.test("expressions mean what RocketMQ's own evaluator said", async (t) => {
  const path = `${projectFolder}test/fixtures/rocketmq/sql92-verdicts.json`
  const { properties, verdicts } = JSON.parse(readFileSync(path, 'utf8')) as {
    properties: Record<string, string>[]
    verdicts: [string, string | null][]
  }
  let taken = 0
  for (const [text, verdict] of verdicts) {
    t.equal(judge(text, properties), verdict, JSON.stringify(text))
    if (verdict !== null) taken++
  }
  t.ok(taken > 400 && verdicts.length - taken > 200, 'both sides of the line were looked at')
})

t.test('the parser in use is the one that the grammar makes', async (t) => {
  const url = pathToFileURL(`${projectFolder}scripts/grammar.mjs`).href
  const { generate } = (await import(url)) as { generate(): Promise<string> }
  const path = `${projectFolder}gateway/rocketmq/filter/sql92.generated.ts`
  t.ok(readFileSync(path, 'utf8') === (await generate()), 'npm run grammar was run')
})

t.test('properties are compared as what they are compared with', async (t) => {
  const all = { age: '20', price: '9.5', paid: 'true', name: "O'Hara", odd: ' 7 ', TAGS: 'A' }
  const matching = [
    'age > 18 AND age <= 20',
    'age BETWEEN 20 AND 30 and price not between 10.0 and 20.0',
    'price > 9.0 AND age = 20',
    "name = 'O''Hara' AND name <> 'x'",
    'paid = TRUE AND paid <> false',
    "TAGS IN ('A', 'B') AND age NOT IN ('21')",
    "name STARTSWITH 'O' AND name EndsWith 'ara' AND name CONTAINS '''' AND name NOT CONTAINS 'z'",
    'missing IS NULL AND name IS NOT NULL',
    'odd = 7.0',
    'age = -(-20) AND -30 < age',
    'other = missing',
    "NOT (age < 18) -- a remark\nAND /* another */ name = 'O''Hara'"
  ]
  for (const text of matching) t.ok(matches(text, all), text)
  const unmatched = [
    'missing > 18',
    'NOT (missing > 18)',
    'missing = 5 OR missing <> 5',
    'price > 9',
    'name > 5 OR age = 20',
    'odd = 7',
    'paid',
    'age > missing',
    "missing NOT CONTAINS 'x'",
    "name NOT CONTAINS ''"
  ]
  for (const text of unmatched) t.notOk(matches(text, all), text)
  t.ok(matches('age = 20 OR name > 5', all), 'what is decided is not looked at')
})

t.test('errors say where they are, and what would do', async (t) => {
  t.match(refusal('a = 1 AND AND b'), {
    line: 1,
    column: 11,
    message: /^Encountered "AND" at line 1, column 11; expected one of .*property/
  })
  t.match(refusal("a = 'x'\n  AND b IN (5)"), {
    line: 2,
    column: 13,
    message: /^Encountered "5" at line 2, column 13; expected 'text'$/
  })
  t.match(refusal(''), { message: /^Encountered the end at line 1, column 1/ })
  t.match(refusal("a = 'x"), { column: 5 })
  t.match(refusal('a = 1 #'), { column: 7 }, 'what follows is a word at least')
  t.ok(matches("a = 'x' LIKE #", { a: 'x' }), 'and is not looked at, as in RocketMQ')
})

t.test('what makes no sense is refused where it stands', async (t) => {
  const places: readonly (readonly [text: string, column: number, said: RegExp])[] = [
    ["a > 1 AND b > 'x'", 15, /order/],
    ['a = NULL', 5, /IS NULL/],
    ["a = 1 OR 'x'", 10, /condition/],
    ['a = 9223372036854775808', 5, /too large/],
    ['a = 1e400', 5, /too large/],
    ['a = 0.0', 5, /too small/],
    ['a BETWEEN 7 AND 3', 11, /lower/],
    ["5 IN ('5')", 1, /property/],
    ["TRUE = 'true'", 1, /TRUE/]
  ]
  for (const [text, column, said] of places) t.match(refusal(text), { column, message: said }, text)
})

t.test('whatever a client sends is an expression or an error with a place', async (t) => {
  const parts = [
    'a',
    '5',
    '5.5',
    "'x'",
    "'",
    '(',
    ')',
    ',',
    '=',
    '<>',
    '<=',
    'NOT',
    'AND',
    'OR',
    'IS'
  ]
  const more = [
    'NULL',
    'IN',
    'BETWEEN',
    'CONTAINS',
    '-',
    '--',
    '/*',
    '*/',
    '\n',
    '\r\n',
    '#',
    '\u{1f600}'
  ]
  const word = fc.oneof(
    fc.constantFrom(...parts, ...more),
    fc.string({ maxLength: 3, unit: 'binary' })
  )
  const expressions = fc.tuple(fc.array(word, { maxLength: 30 }), fc.constantFrom(' ', ''))
  fc.assert(
    fc.property(expressions, ([words, space]) => {
      const text = words.join(space)
      try {
        const verdict = filters.compile(text)((name) => (name === 'a' ? '5' : undefined))
        return typeof verdict === 'boolean'
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error
        const lines = text.split(/\r\n|[\r\n]/)
        const { line, column } = error
        return line >= 1 && line <= lines.length && column <= (lines[line - 1]?.length ?? 0) + 1
      }
    }),
    { numRuns: 1000, seed: seedOfRun }
  )
  t.comment(`SEED=${seedOfRun}`)
})

t.test('expressions have limits', async (t) => {
  const nested = (depth: number) => `${'('.repeat(depth)}a = 5${')'.repeat(depth)}`
  t.ok(matches(nested(expressionDepthMax), { a: '5' }))
  t.match(refusal(nested(expressionDepthMax + 1)), { message: /nested/ })
  t.ok(matches(`${'NOT '.repeat(expressionDepthMax - 1)}(a = 5)`, { a: '4' }))
  t.match(refusal(`${'NOT '.repeat(100_000)}a = 5`.slice(0, 32_000)), { message: /nested/ })
  t.match(refusal(`a${' = a'.repeat(expressionDepthMax + 1)}`), { message: /nested/ })
  const long = `a = 5${' OR a = 5'.repeat(3000)}`
  t.ok(matches(long, { a: '5' }), 'a long row is not deep')
  const small = new SqlFilters({ expressionLengthMax: 10, keptLengthMax: 5000 })
  t.throws(() => small.compile('a = 123456 '), { message: /more than 10 characters/ })
  t.ok(small.compile('a = 123456')((name) => (name === 'a' ? '123456' : undefined)))
})

t.test('an expression is compiled once, and so is a wrong one', async (t) => {
  const kept = new SqlFilters()
  t.equal(kept.compile('a = 5'), kept.compile('a = 5'))
  const errors = [0, 1].map(() => {
    try {
      return kept.compile('a =')
    } catch (error) {
      return error
    }
  })
  t.equal(errors[0], errors[1])
})
