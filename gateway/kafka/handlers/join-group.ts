/**
 * JoinGroup, versions 0 to 9. The answer waits until the group's rebalance completes; the state machine is
 * gateway/kafka/groups'. By version: ids before joining (4, KIP-394), static members (5, KIP-345), no assignment for a
 * leader that came back (9, KIP-814). The reason that members give (8) is not kept.
 */
import type { Handler } from '../context.ts'
import type { JoinGroupRequest, JoinGroupResponseInput } from '../schemas/join-group.ts'

const firstWithIdBeforeJoin = 4
/** From here on there may be no protocol name; before, it is empty. */
const firstWithNullProtocol = 7
const firstWithSkipAssignment = 9

export const joinGroup: Handler<JoinGroupRequest, JoinGroupResponseInput> = async (
  request,
  context
) => {
  const { version, client, signal } = context
  const result = await context.groups.coordinator.join({
    groupId: request.groupId,
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    clientId: client.id,
    // As Java prints an address.
    clientHost: `/${client.host}`,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    idBeforeJoin: version >= firstWithIdBeforeJoin,
    canSkipAssignment: version >= firstWithSkipAssignment,
    signal
  })
  const { error, memberId, leader, skipAssignment, protocolType, protocolName } = result
  return {
    errorCode: error,
    generationId: result.generation,
    protocolType,
    protocolName: version >= firstWithNullProtocol ? protocolName : (protocolName ?? ''),
    leader,
    skipAssignment,
    memberId,
    members: result.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata
    }))
  }
}
