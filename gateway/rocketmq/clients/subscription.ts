/** What a consumer group wants of one topic, as its members' heartbeats said last. */
import { parseTagFilter, type TagFilter } from '../../broker/translate/index.ts'

/** RocketMQ's ExpressionType.TAG; every other type is an expression to be evaluated. */
export const tagExpressions = 'TAG'

export interface Subscription {
  readonly topic: string
  /** `*`, `TagA || TagB`, or an expression of another type. */
  readonly text: string
  readonly expressionType: string
  /** Larger is later; clients take the time for it. */
  readonly version: number
  /** Undefined where the text is no filter by tags, or one that makes no sense. */
  readonly filter: TagFilter | undefined
}

export function subscriptionOf(
  topic: string,
  text: string,
  expressionType: string,
  version: number
): Subscription {
  const isTags = isTagExpression(expressionType)
  return { topic, text, expressionType, version, filter: isTags ? parseTagFilter(text) : undefined }
}

export function isTagExpression(expressionType: string): boolean {
  return expressionType === '' || expressionType === tagExpressions
}

/** As a real broker says it that has these filters off. */
export function noSuchFilter(expressionType: string): string {
  return `The broker does not support consumer to filter message by ${expressionType}`
}
