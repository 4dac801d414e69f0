/** What a pull wants of its queue: as it says itself, or as its group's heartbeats said. */
import { broadcasting } from './clients/consumer-group.ts'
import type { HeaderOf } from './codec/index.ts'
import { type Refused, type RequestContext, refuse } from './context.ts'
import { isTagExpression, type MessageFilter } from './filter/message-filter.ts'
import { type FilterFault, isFilterFault } from './filter/message-filters.ts'
import { groupSettingsOf } from './group-settings.ts'
import { pullFlags, type pullMessageRequest } from './headers/pull-message.ts'
import { responseCodes } from './response-codes.ts'

export type PullHeader = HeaderOf<(typeof pullMessageRequest)['header']>

export function filterOf(header: PullHeader, context: RequestContext): MessageFilter | Refused {
  if ((header.sysFlag & pullFlags.subscription) === 0) return filterOfGroup(header, context)
  const { expressionType, subscription = '' } = header
  const filter = context.filters.filterOf(expressionType, subscription)
  if (!isFilterFault(filter)) return filter
  return filter.fault === 'unsupported' ? unsupported(filter) : unparsable(filter)
}

/** Why a client may not pull (ForbiddenType); told with NO_PERMISSION. */
export const forbiddenTypes = { group: 2, topic: 3, broadcasting: 4 } as const

export function forbid(
  remark: string,
  type: (typeof forbiddenTypes)[keyof typeof forbiddenTypes]
): Refused {
  return refuse(responseCodes.NO_PERMISSION, remark, { forbiddenType: `${type}` })
}

/** What the pull itself says of a filter counts for nothing: Go's says TAG whatever its consumer wants. */
function filterOfGroup(
  { consumerGroup, topic, subVersion }: PullHeader,
  context: RequestContext
): MessageFilter | Refused {
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
  const filter = context.filters.filterOfSubscription(subscription)
  if (!isFilterFault(filter)) return filter
  if (filter.fault === 'unsupported') return unsupported(filter)
  if (isTagExpression(subscription.expressionType)) return unparsable(filter)
  // A heartbeat is taken with an expression that is wrong; there is just no filter then.
  const remark = "The broker's consumer filter data is not exist!Your expression may be wrong! "
  return refuse(responseCodes.FILTER_DATA_NOT_EXIST, remark + filter.text)
}

/** As a real broker says it that has these filters off. */
function unsupported({ text }: FilterFault): Refused {
  return refuse(responseCodes.SYSTEM_ERROR, text)
}

function unparsable({ text }: FilterFault): Refused {
  const remark = `parse the consumer's subscription failed: ${text}`
  return refuse(responseCodes.SUBSCRIPTION_PARSE_FAILED, remark)
}

function notSubscribed(remark: string): Refused {
  return refuse(responseCodes.SUBSCRIPTION_NOT_EXIST, remark)
}
