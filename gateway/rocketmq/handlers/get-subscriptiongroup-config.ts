/** GET_SUBSCRIPTIONGROUP_CONFIG (352). Asking for a group makes it, as it does in RocketMQ. */
import { type Handler, refuse } from '../context.ts'
import { ensureGroup, groupSettingsOf, mayBeGroup } from '../group-settings.ts'
import type { getSubscriptiongroupConfigRequest } from '../headers/get-subscriptiongroup-config.ts'
import { responseCodes } from '../response-codes.ts'

export const getSubscriptiongroupConfig: Handler<typeof getSubscriptiongroupConfigRequest> = async (
  { header: { group } },
  context
) => {
  if (!mayBeGroup(group)) {
    return refuse(responseCodes.SUBSCRIPTION_GROUP_NOT_EXIST, 'No group in this broker')
  }
  await ensureGroup(group, context)
  return { body: groupSettingsOf(group, context) }
}
