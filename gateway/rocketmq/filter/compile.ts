/**
 * From a tree to a function over a message's properties, with the meaning that RocketMQ's rocketmq-filter gives it.
 * Properties are texts. What an expression is made of decides at compile time how it is compared; a text that is no
 * number where one is needed makes the whole message unfit, whatever else the expression says.
 */
import { type Comparer, comparerOf, type Kind, orderOf, type Value } from './compare.ts'
import { javaLong } from './java-numbers.ts'
import { ExpressionError } from './parse.ts'
import type { Between, Comparison, Relation, Tree } from './tree.ts'

/** A property of the message in hand; undefined where it has none of that name. */
export type Properties = (name: string) => string | undefined

export type Evaluate = (properties: Properties) => Value

/** Compiled: its value for a message, and what RocketMQ's parser tells its expressions apart by. */
export interface Compiled {
  readonly evaluate: Evaluate
  /** What a value that is not null is. */
  readonly kind: Kind
  /** A condition: what AND, OR and NOT take (BooleanExpression). */
  readonly isCondition: boolean
  /** A literal's own value (ConstantExpression); undefined where there is none. */
  readonly constant?: Value
}

/** Three-valued: null is unknown. */
type Condition = (properties: Properties) => boolean | null

/** Throws ExpressionError. */
export function compileCondition(tree: Tree, text: string): Condition {
  return new Compiler(text).condition(tree)
}

class Compiler {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** What is a condition, or a property: that is true for no text that it may have (RocketMQ's boolean cast). */
  condition(tree: Tree): Condition {
    const { evaluate, isCondition } = this.#compile(tree)
    if (isCondition) return evaluate as Condition
    if (tree.kind !== 'property') throw this.#refuse(tree, 'what is no condition is used as one')
    return (properties) => (evaluate(properties) === null ? null : false)
  }

  #compile(tree: Tree): Compiled {
    switch (tree.kind) {
      case 'property': {
        const { name } = tree
        const evaluate = (properties: Properties) => properties(name) ?? null
        return { evaluate, kind: 'text', isCondition: false }
      }
      case 'string':
        return constant(tree.value, 'text')
      case 'decimal':
        return this.#decimal(tree, tree.text)
      case 'float':
        return this.#float(tree, tree.text)
      case 'boolean':
        return { ...constant(tree.value, 'boolean'), isCondition: true }
      case 'null':
        return { ...constant(null, 'boolean'), isCondition: true }
      case 'negate':
        return negated(this.#compile(tree.operand))
      case 'not':
        return condition(not(this.condition(tree.operand)))
      case 'and':
        return condition(every(tree.operands.map((one) => this.condition(one))))
      case 'or':
        return condition(some(tree.operands.map((one) => this.condition(one))))
      case 'is-null':
        return this.#isNull(this.#compile(tree.left).evaluate, tree.not)
      case 'search':
        return condition(search(this.#compile(tree.left).evaluate, tree))
      case 'in':
        return this.#in(tree, tree.left)
      case 'compare':
        return this.#compare(tree)
      case 'between':
        return this.#between(tree)
    }
  }

  /** An int where it fits one, or else a long (ConstantExpression.createFromDecimal). */
  #decimal(tree: Tree, text: string): Compiled {
    const value = javaLong(text.replace(/l$/i, ''))
    if (value === undefined) throw this.#refuse(tree, `${text} is too large`)
    const number = Number(value)
    return number === (number | 0) ? constant(number, 'integer') : constant(value, 'long')
  }

  /** RocketMQ takes neither infinity nor zero for one. */
  #float(tree: Tree, text: string): Compiled {
    const value = Number(text)
    if (!Number.isFinite(value)) throw this.#refuse(tree, `${text} is too large`)
    if (value === 0) throw this.#refuse(tree, `${text} is too small`)
    return constant(value, 'double')
  }

  #isNull(left: Evaluate, isNot: boolean): Compiled {
    return condition((properties) => (left(properties) === null) !== isNot)
  }

  #in(tree: { readonly not: boolean; readonly texts: readonly string[] }, left: Tree): Compiled {
    if (left.kind !== 'property') throw this.#refuse(left, 'IN is of a property only, not of this')
    const { name } = left
    const texts = new Set(tree.texts)
    const isNot = tree.not
    return condition((properties) => {
      const value = properties(name)
      return value === undefined ? null : texts.has(value) !== isNot
    })
  }

  #compare({ operator, left: leftTree, right: rightTree }: Comparison): Compiled {
    const left = this.#compile(leftTree)
    const right = this.#compile(rightTree)
    if (operator !== '=' && operator !== '<>') {
      return this.#order(operator, [leftTree, left], [rightTree, right])
    }
    for (const [tree, { constant }] of [
      [leftTree, left],
      [rightTree, right]
    ] as const) {
      if (constant === null) throw this.#refuse(tree, 'NULL cannot be compared: IS NULL can')
    }
    if (isBoolean(left.constant) && right.constant !== undefined && !isBoolean(right.constant)) {
      throw this.#refuse(leftTree, 'TRUE and FALSE cannot be compared with this')
    }
    const same = equal(left.evaluate, right.evaluate, comparerOf(left.kind, right.kind))
    return condition(operator === '=' ? same : not(same))
  }

  #order(operator: Relation, ...sides: [a: Operand, b: Operand]): Compiled {
    for (const [tree, { constant, isCondition }] of sides) {
      if (isCondition || (constant !== undefined && typeof constant === 'string')) {
        throw this.#refuse(tree, 'what is no number cannot be compared by order')
      }
    }
    const [[, left], [, right]] = sides
    const compare = orderOf(left.kind, right.kind)
    return condition(ordered(left.evaluate, right.evaluate, compare, signs[operator]))
  }

  #between({ not: isNot, left, low, high }: Between): Compiled {
    const [value, from, to] = [left, low, high].map((tree) => [tree, this.#compile(tree)] as const)
    if (value === undefined || from === undefined || to === undefined) throw new Error('no operand')
    if (isNot) {
      const below = this.#order('<', value, from).evaluate as Condition
      return condition(some([below, this.#order('>', value, to).evaluate as Condition]))
    }
    const atLeast = this.#order('>=', value, from).evaluate as Condition
    const atMost = this.#order('<=', value, to).evaluate as Condition
    const [a, b] = [from[1].constant, to[1].constant]
    if (a !== undefined && b !== undefined) {
      const order = comparerOf(to[1].kind, from[1].kind)(b as never, a as never)
      if (order < 0) throw this.#refuse(low, 'BETWEEN must have the lower value first')
    }
    return condition(every([atLeast, atMost]))
  }

  #refuse({ at }: Tree, reason: string): ExpressionError {
    return new ExpressionError(this.#text, at, reason)
  }
}

type Operand = readonly [tree: Tree, compiled: Compiled]

/** What the sign of a comparison may be. */
const signs: Readonly<Record<Relation, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0
}

function isBoolean(constant: Value | undefined): boolean {
  return typeof constant === 'boolean'
}

function constant(value: Value, kind: Kind): Compiled {
  return { evaluate: () => value, kind, isCondition: false, constant: value }
}

function condition(evaluate: Condition): Compiled {
  return { evaluate, kind: 'boolean', isCondition: true }
}

/** Of a number its opposite; of everything else null, and a property is a text. */
function negated({ evaluate, kind }: Compiled): Compiled {
  return {
    kind,
    isCondition: false,
    evaluate: (properties) => {
      const value = evaluate(properties)
      if (typeof value === 'bigint') return -value
      // An int has no -0, and no literal is the double 0.
      return typeof value === 'number' ? 0 - value : null
    }
  }
}

function not(operand: Condition): Condition {
  return (properties) => {
    const value = operand(properties)
    return value === null ? null : !value
  }
}

function every(operands: readonly Condition[]): Condition {
  return (properties) => {
    let result: boolean | null = true
    for (const operand of operands) {
      const value = operand(properties)
      if (value === false) return false
      if (value === null) result = null
    }
    return result
  }
}

function some(operands: readonly Condition[]): Condition {
  return (properties) => {
    let result: boolean | null = false
    for (const operand of operands) {
      const value = operand(properties)
      if (value === true) return true
      if (value === null) result = null
    }
    return result
  }
}

/** Two that are null are equal; of one, it matters which. */
function equal(left: Evaluate, right: Evaluate, compare: Comparer): Condition {
  return (properties) => {
    const a = left(properties)
    const b = right(properties)
    if (a === null) return b === null ? true : null
    return b !== null && compare(a as never, b as never) === 0
  }
}

function ordered(
  left: Evaluate,
  right: Evaluate,
  compare: Comparer,
  holds: (order: number) => boolean
): Condition {
  return (properties) => {
    const a = left(properties)
    if (a === null) return null
    const b = right(properties)
    return b === null ? null : holds(compare(a as never, b as never))
  }
}

/** False for what is no text, or not there, and for an empty search, with NOT too. */
function search(left: Evaluate, tree: Extract<Tree, { kind: 'search' }>): Condition {
  const { text, search: how, not: isNot } = tree
  if (text === '') return () => false
  return (properties) => {
    const value = left(properties)
    if (typeof value !== 'string') return false
    if (how === 'CONTAINS') return value.includes(text) !== isNot
    return (how === 'STARTSWITH' ? value.startsWith(text) : value.endsWith(text)) !== isNot
  }
}
