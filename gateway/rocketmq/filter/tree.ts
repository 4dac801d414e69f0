/** An expression of RocketMQ's SQL92, parsed. `at`: where it begins in the text, from 0. */

export type Relation = '=' | '<>' | '>' | '>=' | '<' | '<='
export type Search = 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH'

interface Place {
  readonly at: number
}

export type Tree = Place &
  (
    | { readonly kind: 'property'; readonly name: string }
    | { readonly kind: 'string'; readonly value: string }
    /** Digits, and maybe an L. */
    | { readonly kind: 'decimal'; readonly text: string }
    /** With a point or an exponent. */
    | { readonly kind: 'float'; readonly text: string }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'null' }
    | { readonly kind: 'not' | 'negate'; readonly operand: Tree }
    | { readonly kind: 'and' | 'or'; readonly operands: readonly Tree[] }
    | Comparison
    | { readonly kind: 'is-null'; readonly not: boolean; readonly left: Tree }
    | {
        readonly kind: 'search'
        readonly not: boolean
        readonly search: Search
        readonly left: Tree
        readonly text: string
      }
    | Between
    | {
        readonly kind: 'in'
        readonly not: boolean
        readonly left: Tree
        readonly texts: readonly string[]
      }
  )

export interface Comparison {
  readonly kind: 'compare'
  readonly operator: Relation
  readonly left: Tree
  readonly right: Tree
}

export interface Between {
  readonly kind: 'between'
  readonly not: boolean
  readonly left: Tree
  readonly low: Tree
  readonly high: Tree
}
