/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200): what is not said is the default, whatever it was. */
import type { Handler } from '../context.ts'
import { refusalOfGroupSettings, updateGroup } from '../group-settings.ts'
import type { updateAndCreateSubscriptiongroupRequest } from '../headers/update-and-create-subscriptiongroup.ts'

export const updateAndCreateSubscriptiongroup: Handler<
  typeof updateAndCreateSubscriptiongroupRequest
> = async ({ body }, context) => {
  const refused = refusalOfGroupSettings(body)
  if (refused !== undefined) return refused
  await updateGroup(body, context)
  return {}
}
