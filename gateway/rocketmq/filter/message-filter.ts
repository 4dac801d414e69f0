/** What a consumer wants of a topic's messages: by tags, or by an expression over properties. */
import { matchesTag, type RecordMessage, type TagFilter } from '../../broker/translate/index.ts'
import type { SqlFilter } from './sql-filters.ts'

/** RocketMQ's ExpressionType.TAG. */
export const tagExpressions = 'TAG'
/** RocketMQ's ExpressionType.SQL92. */
export const sqlExpressions = 'SQL92'

export interface MessageFilter {
  wants(message: Pick<RecordMessage, 'tag' | 'property'>): boolean
}

export const everyMessage: MessageFilter = { wants: () => true }

export function byTags(filter: TagFilter): MessageFilter {
  if (filter.tags === undefined) return everyMessage
  return { wants: (message) => matchesTag(filter, message.tag) }
}

export function bySql(filter: SqlFilter): MessageFilter {
  return { wants: (message) => filter((name) => message.property(name)) }
}

/** Nothing said means tags, as in RocketMQ (ExpressionType.isTagType). */
export function isTagExpression(expressionType: string): boolean {
  return expressionType === '' || expressionType === tagExpressions
}
