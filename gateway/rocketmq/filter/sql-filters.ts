/** Filters by SQL92, compiled and kept. */
import { WeightedCache } from '../../broker/translate/weighted-cache.ts'
import { unfit } from './compare.ts'
import { compileCondition, type Properties } from './compile.ts'
import { ExpressionError, expressionDepthMax, parseExpression } from './parse.ts'

export interface SqlFilterLimits {
  /** Characters of one expression. */
  readonly expressionLengthMax: number
  /** Characters of all expressions that are kept compiled (and of those that are wrong). */
  readonly keptLengthMax: number
}

export const sqlFilterLimits: SqlFilterLimits = {
  expressionLengthMax: 32_768,
  keptLengthMax: 4 * 1024 * 1024
}

export { ExpressionError, expressionDepthMax }

/** Whether a message is wanted, by its properties. */
export type SqlFilter = (properties: Properties) => boolean

/** What a short expression takes in memory besides its text, in characters. */
const overheadLength = 1024

export class SqlFilters {
  readonly #limits: SqlFilterLimits
  readonly #kept: WeightedCache<SqlFilter | ExpressionError>

  constructor(limits: SqlFilterLimits = sqlFilterLimits) {
    this.#limits = limits
    const { keptLengthMax: bytesMax } = limits
    this.#kept = new WeightedCache({ bytesMax, entryBytesMax: bytesMax })
  }

  /** Throws ExpressionError, whose message is for users. */
  compile(text: string): SqlFilter {
    const { expressionLengthMax } = this.#limits
    if (text.length > expressionLengthMax) {
      const reason = `the expression has more than ${expressionLengthMax} characters`
      throw new ExpressionError(text.slice(0, expressionLengthMax), expressionLengthMax, reason)
    }
    const kept = this.#kept.get(text) ?? this.#keep(text)
    if (kept instanceof ExpressionError) throw kept
    return kept
  }

  #keep(text: string): SqlFilter | ExpressionError {
    const made = make(text)
    this.#kept.set(text, made, text.length + overheadLength)
    return made
  }
}

function make(text: string): SqlFilter | ExpressionError {
  try {
    const condition = compileCondition(parseExpression(text), text)
    return (properties) => {
      try {
        return condition(properties) === true
      } catch (error) {
        if (error === unfit) return false
        throw error
      }
    }
  } catch (error) {
    if (error instanceof ExpressionError) return error
    throw error
  }
}
