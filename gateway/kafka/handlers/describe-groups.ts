/**
 * DescribeGroups, versions 0 to 6. What members offer is shown of Stable groups only, what they were last assigned
 * always; RocketMQ's members offer nothing, and divide queues among themselves. A group that does not exist is Dead, with error 69 from version 6 on. Nothing is forbidden to anybody:
 * whoever asks for authorized operations gets all that apply to groups.
 */
import type { LiveMember } from '../../broker/groups/index.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type { Group } from '../groups/group.ts'
import type {
  DescribeGroupsRequest,
  DescribeGroupsResponseInput
} from '../schemas/describe-groups.ts'

type Described = DescribeGroupsResponseInput['groups'][number]

const firstWithNotFound = 6
/** Bits (AclOperation): READ 3, DELETE 6, DESCRIBE 8, DESCRIBE_CONFIGS 10, ALTER_CONFIGS 11. */
const allGroupOperations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)
/** Not asked for. */
const noOperations = -2_147_483_648

const noBytes = Buffer.alloc(0)

export const describeGroups: Handler<DescribeGroupsRequest, DescribeGroupsResponseInput> = (
  request,
  context
) => {
  const authorizedOperations = request.includeAuthorizedOperations
    ? allGroupOperations
    : noOperations
  return {
    groups: request.groups.map((id) => ({ ...describe(id, context), authorizedOperations }))
  }
}

function describe(groupId: string, { groups, version }: RequestContext): Described {
  const summary = groups.summary(groupId)
  if (summary === undefined) return notFound(groupId, version)
  const others = groups.otherMembers(groupId)
  const live = others === undefined ? groups.coordinator.find(groupId) : undefined
  const isStable = live?.state === 'Stable'
  return {
    errorCode: errorCodes.NONE,
    groupId,
    groupState: summary.state,
    protocolType: summary.protocolType,
    protocolData: isStable ? (live.protocolName ?? '') : '',
    members: live === undefined ? (others ?? []).map(otherMember) : membersOf(live, isStable)
  }
}

function notFound(groupId: string, version: number): Described {
  const isError = version >= firstWithNotFound
  return {
    errorCode: isError ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.NONE,
    errorMessage: isError ? `Group ${groupId} not found.` : null,
    groupId,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: []
  }
}

/** Hosts as Kafka tells them: a slash in front, no port. */
function otherMember({ id, address }: LiveMember): Described['members'][number] {
  const clientHost = `/${address.replace(/:\d+$/, '')}`
  const noWork = { memberMetadata: noBytes, memberAssignment: noBytes }
  return { memberId: id, groupInstanceId: null, clientId: id, clientHost, ...noWork }
}

function membersOf(group: Group, isStable: boolean): Described['members'] {
  const protocolName = group.protocolName ?? ''
  return [...group.members.values()].map((member) => ({
    memberId: member.id,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: isStable ? member.metadataFor(protocolName) : noBytes,
    memberAssignment: member.assignment
  }))
}
