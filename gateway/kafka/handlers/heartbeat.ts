/** Heartbeat, versions 0 to 4. Error 27 tells the member to join again. */
import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type { HeartbeatRequest, HeartbeatResponseInput } from '../schemas/heartbeat.ts'

export const heartbeat: Handler<HeartbeatRequest, HeartbeatResponseInput> = (request, context) => {
  const { groupId, memberId, groupInstanceId: instanceId, generationId: generation } = request
  if (groupId === '') return { errorCode: errorCodes.INVALID_GROUP_ID }
  return {
    errorCode: context.groups.coordinator.heartbeat({ groupId, memberId, instanceId, generation })
  }
}
