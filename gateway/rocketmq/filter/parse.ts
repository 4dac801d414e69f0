/** From text to tree, by the parser that is made of sql92.peggy; errors say where they are and what would do. */
import { SyntaxError as ParserError, parse } from './sql92.generated.ts'
import type { Tree } from './tree.ts'

/** Why a text is no expression; `message` is for users. */
export class ExpressionError extends Error {
  /** From 1. */
  readonly line: number
  readonly column: number

  constructor(text: string, at: number, reason: string) {
    const before = text.slice(0, at)
    const lines = before.split(/\r\n|[\r\n]/)
    const line = lines.length
    const column = (lines.at(-1)?.length ?? 0) + 1
    super(`${reason} at line ${line}, column ${column}`)
    this.name = 'ExpressionError'
    this.line = line
    this.column = column
  }
}

/** Parentheses and signs in each other, and parts of a tree over each other. */
export const expressionDepthMax = 400
/** Characters of what is said not to fit. */
const encounteredMax = 32

/** Throws ExpressionError. */
export function parseExpression(text: string): Tree {
  try {
    return parse(text, { depthMax: expressionDepthMax })
  } catch (error) {
    if (!(error instanceof ParserError)) throw error
    const { location, expected, message } = error as unknown as ParserErrorFields
    const at = location.start.offset
    // Said by the grammar itself.
    if (expected === null) throw new ExpressionError(text, at, message)
    const found = `Encountered ${encountered(text, at)}`
    const wanted = [...new Set(expected.map(describe))].filter((one) => one !== undefined).sort()
    const refusal = new ExpressionError(text, at, found)
    refusal.message += `; expected ${wanted.length > 1 ? 'one of ' : ''}${wanted.join(' ')}`
    throw refusal
  }
}

/** What the generated parser, which has no types, says. */
interface ParserErrorFields {
  readonly message: string
  readonly location: { readonly start: { readonly offset: number } }
  /** Null where the grammar's own code refused. */
  readonly expected: readonly Expectation[] | null
}

interface Expectation {
  readonly type: string
  readonly description?: string
}

/** The word or sign there. */
function encountered(text: string, at: number): string {
  const [found = ''] = /^([a-z0-9_$.]+|<>|[<>]=|'[^']*'?|.|$)/isu.exec(text.slice(at)) ?? []
  return found === '' ? 'the end' : `"${found.slice(0, encounteredMax)}"`
}

/** Undefined for what is always allowed. */
function describe({ type, description }: Expectation): string | undefined {
  if (type === 'end') return undefined
  return description === 'space' || description === 'end' ? undefined : description
}
