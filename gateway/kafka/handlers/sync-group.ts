/**
 * SyncGroup, versions 0 to 5. The answer waits for the leader's assignment. Version 5 says the protocol that the member
 * thinks it speaks (KIP-559): null there is refused, as by Kafka.
 */
import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import { refusedSync } from '../groups/membership.ts'
import type { SyncGroupRequest, SyncGroupResponseInput } from '../schemas/sync-group.ts'

const firstWithProtocol = 5

export const syncGroup: Handler<SyncGroupRequest, SyncGroupResponseInput> = async (
  request,
  context
) => {
  const { groupId, memberId, generationId, protocolType, protocolName, assignments } = request
  const saysProtocol = protocolType !== null && protocolName !== null
  let result = refusedSync(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  if (groupId === '') {
    result = refusedSync(errorCodes.INVALID_GROUP_ID)
  } else if (context.version < firstWithProtocol || saysProtocol) {
    result = await context.groups.coordinator.sync({
      groupId,
      memberId,
      instanceId: request.groupInstanceId,
      generation: generationId,
      protocolType,
      protocolName,
      assignments,
      signal: context.signal
    })
  }
  return {
    errorCode: result.error,
    protocolType: result.protocolType,
    protocolName: result.protocolName,
    assignment: result.assignment
  }
}
