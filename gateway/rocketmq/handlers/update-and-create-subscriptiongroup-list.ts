/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (225): several groups; none is touched if one of them cannot be. */
import type { Handler } from '../context.ts'
import { refusalOfGroupSettings, updateGroup } from '../group-settings.ts'
import type { updateAndCreateSubscriptiongroupListRequest } from '../headers/update-and-create-subscriptiongroup-list.ts'

export const updateAndCreateSubscriptiongroupList: Handler<
  typeof updateAndCreateSubscriptiongroupListRequest
> = async ({ body: { groupConfigList } }, context) => {
  for (const settings of groupConfigList) {
    const refused = refusalOfGroupSettings(settings)
    if (refused !== undefined) return refused
  }
  for (const settings of groupConfigList) await updateGroup(settings, context)
  return {}
}
