/** The topics of a group's own: what comes again to it, and what it gave up. */
import type { Topic } from '../../storage/contract.ts'
import type { RequestContext } from './context.ts'
import { groupSettingsOf } from './group-settings.ts'
import { ensureTopic, retryPrefix } from './known-topics.ts'

export const deadLetterPrefix = '%DLQ%'
/** DLQ_NUMS_PER_GROUP */
const deadLetterQueueCount = 1

/** As wide as the group's settings were when it was first needed. Throws TopicError. */
export function ensureRetryTopic(
  group: string,
  context: RequestContext
): Promise<Topic | undefined> {
  const { retryQueueNums } = groupSettingsOf(group, context)
  return ensureTopic(context, retryPrefix + group, Math.max(retryQueueNums, 0))
}

/** Throws TopicError. */
export function ensureDeadLetterTopic(
  group: string,
  context: RequestContext
): Promise<Topic | undefined> {
  return ensureTopic(context, deadLetterPrefix + group, deadLetterQueueCount)
}
