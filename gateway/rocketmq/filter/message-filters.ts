/** What consumers ask to be filtered by, made into filters. */
import { parseTagFilter } from '../../broker/translate/index.ts'
import type { Subscription } from '../clients/subscription.ts'
import {
  bySql,
  byTags,
  isTagExpression,
  type MessageFilter,
  sqlExpressions
} from './message-filter.ts'
import {
  ExpressionError,
  type SqlFilterLimits,
  SqlFilters,
  sqlFilterLimits
} from './sql-filters.ts'

/** Why there is no filter; `text` is for users. */
export interface FilterFault {
  readonly fault: 'unsupported' | 'unparsable'
  readonly text: string
}

export interface MessageFiltersOptions {
  /** Whether SQL92 is taken (RocketMQ's enablePropertyFilter, which is off there by default). */
  readonly sql: boolean
  readonly limits?: SqlFilterLimits
}

export class MessageFilters {
  readonly #sql: SqlFilters | undefined
  readonly #ofSubscriptions = new WeakMap<Subscription, MessageFilter | FilterFault>()

  constructor({ sql, limits = sqlFilterLimits }: MessageFiltersOptions = { sql: true }) {
    this.#sql = sql ? new SqlFilters(limits) : undefined
  }

  get takesSql(): boolean {
    return this.#sql !== undefined
  }

  /** Never throws. */
  filterOf(expressionType: string, text: string): MessageFilter | FilterFault {
    if (isTagExpression(expressionType)) {
      const tags = parseTagFilter(text)
      return tags === undefined
        ? { fault: 'unparsable', text: `no tag in '${text}'` }
        : byTags(tags)
    }
    if (expressionType !== sqlExpressions || this.#sql === undefined) {
      const said = `The broker does not support consumer to filter message by ${expressionType}`
      return { fault: 'unsupported', text: said }
    }
    try {
      return bySql(this.#sql.compile(text))
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      return { fault: 'unparsable', text: error.message }
    }
  }

  /** The same, made once for each subscription. */
  filterOfSubscription(subscription: Subscription): MessageFilter | FilterFault {
    const known = this.#ofSubscriptions.get(subscription)
    if (known !== undefined) return known
    const made = this.filterOf(subscription.expressionType, subscription.text)
    this.#ofSubscriptions.set(subscription, made)
    return made
  }
}

export function isFilterFault(filter: MessageFilter | FilterFault): filter is FilterFault {
  return 'fault' in filter
}
