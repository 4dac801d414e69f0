/** Subscriptions as tools are told of them. */
import { javaHashCode, parseTagFilter } from '../broker/translate/index.ts'
import type { subscriptionData } from './bodies/heartbeat.ts'
import type { Subscription } from './clients/subscription.ts'
import type { Written } from './codec/index.ts'
import { isTagExpression, tagExpressions } from './filter/message-filter.ts'

export type SubscriptionData = Written<typeof subscriptionData>

type Said = Pick<Subscription, 'topic' | 'text' | 'expressionType' | 'version'>

export function subscriptionDataOf({
  topic,
  text,
  expressionType,
  version
}: Said): SubscriptionData {
  const isTags = isTagExpression(expressionType)
  const tagsSet = isTags ? [...(parseTagFilter(text)?.tags ?? [])] : []
  return {
    topic,
    subString: text,
    tagsSet,
    codeSet: tagsSet.map(javaHashCode),
    subVersion: version,
    expressionType: isTags ? tagExpressions : expressionType,
    classFilterMode: false
  }
}
