/**
 * What clients send to a retry topic themselves: consumers do where a message could not be sent back, and Java's in
 * order where they give one up (SendMessageProcessor.handleRetryAndDLQ).
 */
import type { Topic } from '../../storage/contract.ts'
import { delayLevelName, editProperties } from '../broker/translate/index.ts'
import { type Asked, type Refused, type RequestContext, refuse } from './context.ts'
import { ensureGroup, furtherDetails, mayBeGroup } from './group-settings.ts'
import type { sendMessageRequest } from './headers/send-message.ts'
import { retryPrefix } from './known-topics.ts'
import { responseCodes } from './response-codes.ts'
import { reconsumeTimesMax } from './retry-copies.ts'
import { deadLetterPrefix, ensureDeadLetterTopic } from './retry-topics.ts'
import { refusedFields } from './sent-messages.ts'

type Header = Asked<typeof sendMessageRequest>['header']

/** Where the message goes instead, and its properties then; undefined where it goes to the topic that it names. */
export interface DeadLetter {
  readonly topic: Topic
  readonly properties: string
}

/**
 * A message goes to the dead-letter topic if it came more often than it may, and at once if its group consumes in
 * order: that is a group whose members hold queues for themselves. Throws TopicError, rejects with StoreError.
 */
export async function deadLetterOf(
  header: Header,
  context: RequestContext
): Promise<DeadLetter | Refused | undefined> {
  if (!header.topic.startsWith(retryPrefix)) return undefined
  const group = header.topic.slice(retryPrefix.length)
  if (!mayBeGroup(group)) {
    const remark = `subscription group not exist, ${group} ${furtherDetails}`
    return refuse(responseCodes.SUBSCRIPTION_GROUP_NOT_EXIST, remark, refusedFields)
  }
  await ensureGroup(group, context)
  const timesMax = reconsumeTimesMax(group, header.maxReconsumeTimes, context)
  if (header.reconsumeTimes <= timesMax && !context.locks.hasAny(group)) return undefined
  const topic = await ensureDeadLetterTopic(group, context)
  if (topic === undefined) {
    const remark = `topic[${deadLetterPrefix}${group}] not exist`
    return refuse(responseCodes.SYSTEM_ERROR, remark, refusedFields)
  }
  const sent = Buffer.from(header.properties)
  const properties = editProperties(sent, [delayLevelName], [[delayLevelName, '-1']]).toString()
  return { topic, properties }
}
