/** Expressions of RocketMQ's SQL92, made at random: right ones, and ones that are nearly so. */
import { compileCondition } from '../../../gateway/rocketmq/filter/compile.ts'
import { ExpressionError, parseExpression } from '../../../gateway/rocketmq/filter/parse.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'

const names = ['a', 'b', 'c', '_d$1', 'TAGS', 'ab'] as const

const values = [
  ...[
    '5',
    '-3',
    '5.5',
    '+5',
    '05',
    '0',
    '-0',
    '1e3',
    ' 7 ',
    'NaN',
    '-Infinity',
    '0x1p3',
    '1f',
    '.5'
  ],
  ...['2147483647', '2147483648', '-2147483648', '9223372036854775807', '9223372036854775808'],
  ...[
    'true',
    'TRUE',
    'false',
    'abc',
    'ab',
    'c',
    "it's",
    'A',
    'x y',
    'ä',
    '5d',
    '--5',
    '1_0',
    '0x10'
  ]
] as const

const literals = [
  ...['5', '0', '05', '5L', '7l', '2147483647', '2147483648', '9223372036854775807', '0L', '1000'],
  ...[
    '9223372036854775808',
    '5.5',
    '5.',
    '.5',
    '5E0',
    '1e400',
    '0.0',
    '1e-400',
    '5.0',
    '8.0',
    '1E3'
  ],
  ...["'5'", "'abc'", "'ab'", "''", "'it''s'", "'true'", "'A'", "'5.5'", "'ä'", "'x y'"],
  ...['TRUE', 'false', 'NULL']
] as const

/** What a token may be replaced by, to make an expression nearly right. */
const tokens = [
  ...['(', ')', ',', '=', '<>', '<', '>', '<=', '>=', '+', '-', 'NOT', 'AND', 'OR', 'IS', 'NULL'],
  ...[
    'BETWEEN',
    'IN',
    'CONTAINS',
    'startswith',
    'EndsWith',
    'a',
    "'x'",
    '5',
    '#',
    '--',
    '/*',
    '*/'
  ],
  ...["'", '.', '5.5.5', '12ab', 'LIKE', '"', '!=', ';', '-- x\n', '/* * */', '$', 'ſ', '\f']
] as const

export class Expressions {
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** The properties of one message. */
  properties(): Record<string, string> {
    const all: Record<string, string> = {}
    for (const name of names) if (this.#random.integer(4) > 0) all[name] = this.#of(values)
    return all
  }

  text(): string {
    const text = this.#or(3)
    return this.#random.integer(4) === 0 ? this.#spoilt(text) : text
  }

  #or(depth: number): string {
    return this.#list(1 + this.#random.integer(2), () => this.#and(depth)).join(this.#word('OR'))
  }

  #and(depth: number): string {
    return this.#list(1 + this.#random.integer(2), () => this.#equality(depth)).join(
      this.#word('AND')
    )
  }

  #equality(depth: number): string {
    const left = this.#comparison(depth)
    switch (this.#random.integer(8)) {
      case 0:
      case 1:
      case 2:
        return `${left}${this.#of([' = ', '=', '<>'])}${this.#comparison(depth - 1)}`
      case 3:
        return `${left}${this.#word('IS')}${this.#not()}NULL`
      case 4:
        return `${left} = ${this.#comparison(depth - 1)}${this.#word('IS')}NULL = ${this.#operand(0)}`
      default:
        return left
    }
  }

  #comparison(depth: number): string {
    const left = this.#operand(depth)
    const not = this.#not()
    const search = this.#of(['CONTAINS', 'STARTSWITH', 'endswith'])
    switch (this.#random.integer(8)) {
      case 0:
      case 1:
        return `${left} ${this.#of(['>', '>=', '<', '<='])} ${this.#operand(depth - 1)}`
      case 2:
        return `${left} ${not}${this.#word('BETWEEN')}${this.#operand(0)} and ${this.#operand(0)}`
      case 3:
        return `${left} ${not}IN (${this.#list(1 + this.#random.integer(7), () => this.#string()).join()})`
      case 4:
        return `${left} ${not}${search} ${this.#string()}`
      default:
        return left
    }
  }

  #operand(depth: number): string {
    switch (this.#random.integer(depth > 0 ? 12 : 10)) {
      case 0:
        return `-${this.#operand(depth - 1)}`
      case 1:
        return `${this.#of(['+', 'NOT ', 'not '])}${this.#operand(depth - 1)}`
      case 2:
      case 3:
      case 4:
        return this.#of(literals)
      case 10:
      case 11:
        return `(${this.#or(depth - 1)})`
      default:
        return this.#of(names)
    }
  }

  #string(): string {
    return this.#random.integer(20) === 0
      ? this.#of(literals)
      : this.#of(["'abc'", "'5'", "''", "'A'"])
  }

  #not(): string {
    return this.#random.integer(2) === 0 ? 'NOT ' : ''
  }

  #word(word: string): string {
    const spelled = this.#random.integer(3) === 0 ? word.toLowerCase() : word
    return `${this.#of([' ', '\n', '/* - */', ' -- x\n'])}${spelled} `
  }

  /** One token more, less or other. */
  #spoilt(text: string): string {
    const parts = text.split(/(\s+|[()=<>,]|'[^']*')/).filter((part) => part !== '')
    const at = this.#random.integer(parts.length + 1)
    const token = this.#of(tokens)
    parts.splice(
      at,
      this.#random.integer(2),
      ...(this.#random.integer(4) === 0 ? [] : [` ${token} `])
    )
    return parts.join('')
  }

  #of<T>(all: readonly T[]): T {
    return all[this.#random.integer(all.length)] as T
  }

  #list<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make)
  }
}

/** As Filters.judge of the Java driver: a letter for each message, null for a text that is refused. */
export function judge(
  text: string,
  all: readonly Readonly<Record<string, string>>[]
): string | null {
  let condition: ReturnType<typeof compileCondition>
  try {
    condition = compileCondition(parseExpression(text), text)
  } catch (error) {
    if (error instanceof ExpressionError) return null
    throw error
  }
  return all.map((properties) => verdict(() => condition((name) => properties[name]))).join('')
}

function verdict(evaluate: () => boolean | null): string {
  try {
    const value = evaluate()
    return value === null ? 'N' : value ? 'T' : 'F'
  } catch {
    return 'X'
  }
}
