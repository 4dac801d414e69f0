/**
 * ListGroups, versions 0 to 5: groups with members, and those stored without. Filters by state (4, KIP-518) and
 * type (5, KIP-848) take any case; what they name and is not known matches nothing.
 */
import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type { ListGroupsRequest, ListGroupsResponseInput } from '../schemas/list-groups.ts'

const classicType = 'classic'

export const listGroups: Handler<ListGroupsRequest, ListGroupsResponseInput> = (
  request,
  context
) => {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase()))
  const types = new Set(request.typesFilter.map((type) => type.toLowerCase()))
  const groups = []
  if (types.size === 0 || types.has(classicType)) {
    for (const { id, protocolType, state } of context.groups.summaries()) {
      if (states.size > 0 && !states.has(state.toLowerCase())) continue
      groups.push({ groupId: id, protocolType, groupState: state, groupType: classicType })
    }
  }
  return { errorCode: errorCodes.NONE, groups }
}
