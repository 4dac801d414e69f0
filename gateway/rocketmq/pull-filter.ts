/** What a pull wants of its queue: as it says itself, or as its group's heartbeats said. */
import { parseTagFilter, type TagFilter } from '../broker/translate/index.ts'
import { broadcasting } from './clients/consumer-group.ts'
import { isTagExpression, noSuchFilter, type Subscription } from './clients/subscription.ts'
import type { HeaderOf } from './codec/index.ts'
import { type Refused, type RequestContext, refuse } from './context.ts'
import { groupSettingsOf } from './group-settings.ts'
import { pullFlags, type pullMessageRequest } from './headers/pull-message.ts'
import { responseCodes } from './response-codes.ts'

export type PullHeader = HeaderOf<(typeof pullMessageRequest)['header']>

export function filterOf(header: PullHeader, context: RequestContext): TagFilter | Refused {
  if ((header.sysFlag & pullFlags.subscription) === 0) return filterOfGroup(header, context)
  const { expressionType, subscription = '' } = header
  if (!isTagExpression(expressionType)) {
    return refuse(responseCodes.SYSTEM_ERROR, noSuchFilter(expressionType))
  }
  return parseTagFilter(subscription) ?? unparsable(subscription)
}

/** Why a client may not pull (ForbiddenType); told with NO_PERMISSION. */
export const forbiddenTypes = { group: 2, topic: 3, broadcasting: 4 } as const

export function forbid(
  remark: string,
  type: (typeof forbiddenTypes)[keyof typeof forbiddenTypes]
): Refused {
  return refuse(responseCodes.NO_PERMISSION, remark, { forbiddenType: `${type}` })
}

function filterOfGroup(
  { consumerGroup, topic, subVersion }: PullHeader,
  context: RequestContext
): TagFilter | Refused {
  const group = context.clients.consumerGroup(consumerGroup)
  if (group === undefined) return notSubscribed("the consumer's group info not exist")
  const { consumeBroadcastEnable } = groupSettingsOf(consumerGroup, context)
  if (!consumeBroadcastEnable && group.messageModel === broadcasting) {
    const remark = `the consumer group[${consumerGroup}] can not consume by broadcast way`
    return forbid(remark, forbiddenTypes.broadcasting)
  }
  const subscription = group.subscription(topic)
  if (subscription === undefined) return notSubscribed("the consumer's subscription not exist")
  if (subscription.version < subVersion) {
    const remark = "the consumer's subscription not latest"
    return refuse(responseCodes.SUBSCRIPTION_NOT_LATEST, remark)
  }
  return filterOfSubscription(subscription)
}

function filterOfSubscription({ text, expressionType, filter }: Subscription): TagFilter | Refused {
  if (isTagExpression(expressionType)) return filter ?? unparsable(text)
  return refuse(responseCodes.SYSTEM_ERROR, noSuchFilter(expressionType))
}

function notSubscribed(remark: string): Refused {
  return refuse(responseCodes.SUBSCRIPTION_NOT_EXIST, remark)
}

function unparsable(text: string): Refused {
  const remark = `parse the consumer's subscription failed: ${text}`
  return refuse(responseCodes.SUBSCRIPTION_PARSE_FAILED, remark)
}
