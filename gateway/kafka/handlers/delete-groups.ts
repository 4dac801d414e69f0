/** DeleteGroups, versions 0 to 2: groups without members, with their committed offsets (KIP-229). */
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type { DeleteGroupsRequest, DeleteGroupsResponseInput } from '../schemas/delete-groups.ts'
import { groupErrorFor } from './group-store-errors.ts'

export const deleteGroups: Handler<DeleteGroupsRequest, DeleteGroupsResponseInput> = async (
  request,
  context
) => ({
  results: await Promise.all(
    // Kafka answers a group once, however often it is named.
    [...new Set(request.groupsNames)].map(async (groupId) => ({
      groupId,
      errorCode: await deleteGroup(groupId, context)
    }))
  )
})

async function deleteGroup(groupId: string, context: RequestContext): Promise<ErrorCode> {
  const { groups } = context
  if (groups.isOccupied(groupId)) return errorCodes.NON_EMPTY_GROUP
  try {
    const isDeleted = await groups.offsets.deleteGroup(groupId, () => !groups.isOccupied(groupId))
    if (isDeleted) return errorCodes.NONE
  } catch (error) {
    return groupErrorFor(error, context)
  }
  return groups.isOccupied(groupId) ? errorCodes.NON_EMPTY_GROUP : errorCodes.GROUP_ID_NOT_FOUND
}
