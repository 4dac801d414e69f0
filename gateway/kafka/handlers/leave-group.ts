/**
 * LeaveGroup, versions 0 to 5. One member up to version 2, whose error is the response's; many from 3 on, each with its
 * own (KIP-345): without a member id but with an instance id, an administrator puts a static member out.
 */
import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type { LeaveGroupRequest, LeaveGroupResponseInput } from '../schemas/leave-group.ts'

const firstWithMembers = 3

export const leaveGroup: Handler<LeaveGroupRequest, LeaveGroupResponseInput> = (
  request,
  context
) => {
  const { groupId, memberId, members } = request
  const { coordinator } = context.groups
  if (groupId === '') return { errorCode: errorCodes.INVALID_GROUP_ID }
  if (context.version < firstWithMembers) {
    const [error] = coordinator.leave(groupId, [{ memberId, instanceId: null }])
    return { errorCode: error ?? errorCodes.UNKNOWN_MEMBER_ID }
  }
  const errors = coordinator.leave(
    groupId,
    members.map((member) => ({ memberId: member.memberId, instanceId: member.groupInstanceId }))
  )
  return {
    errorCode: errorCodes.NONE,
    members: members.map(({ memberId, groupInstanceId }, index) => ({
      memberId,
      groupInstanceId,
      errorCode: errors[index] ?? errorCodes.UNKNOWN_MEMBER_ID
    }))
  }
}
