/** Who may join a group, and what joining means in each of its states. */
import type { Random } from '../../../storage/ports.ts'
import { errorCodes } from '../error-codes.ts'
import type { Group } from './group.ts'
import { copyProtocols, Member, protocolsBytes } from './member.ts'
import {
  type JoinRequest,
  type JoinResult,
  type MemberProtocol,
  refusedJoin
} from './membership.ts'
import type { Rebalance } from './rebalance.ts'
import type { GroupSettings } from './settings.ts'

export interface JoinDependencies {
  readonly rebalance: Rebalance
  readonly random: Random
  readonly settings: GroupSettings
  /** Bytes that all groups may still keep of their members. */
  bytesLeft(): number
}

/** The group's own checks come first; the request's (ids, timeouts) are done. */
export async function joinGroup(
  group: Group,
  request: JoinRequest,
  dependencies: JoinDependencies
): Promise<JoinResult> {
  const { memberId } = request
  if (!hasRoom(group, request, dependencies)) {
    dependencies.rebalance.dropPending(group, memberId)
    return refusedJoin(errorCodes.GROUP_MAX_SIZE_REACHED, '')
  }
  if (!group.accepts(request.protocolType, request.protocols)) {
    return refusedJoin(errorCodes.INCONSISTENT_GROUP_PROTOCOL, memberId)
  }
  const protocols = copyProtocols(request.protocols)
  if (memberId === '') return await joinNew(group, request, protocols, dependencies)
  return await joinKnown(group, request, protocols, dependencies)
}

/** As Kafka counts: while a group rebalances, those that have joined; then, those that are in it. */
function hasRoom(
  group: Group,
  request: JoinRequest,
  { settings, bytesLeft }: JoinDependencies
): boolean {
  const { groupMembersMax, groupBytesMax } = settings
  const known = group.members.get(request.memberId)
  const addedBytes = protocolsBytes(request.protocols) - (known?.bytes ?? 0)
  if (group.bytes + addedBytes > groupBytesMax || addedBytes > bytesLeft()) return false
  if (group.pending.size >= groupMembersMax && !group.pending.has(request.memberId)) {
    if (known === undefined) return false
  }
  switch (group.state) {
    case 'PreparingRebalance':
      return known?.joining != null || group.waitingToJoin() < groupMembersMax
    case 'CompletingRebalance':
    case 'Stable':
      return known !== undefined || group.members.size < groupMembersMax
    default:
      return true
  }
}

async function joinNew(
  group: Group,
  request: JoinRequest,
  protocols: readonly MemberProtocol[],
  { rebalance, random }: JoinDependencies
): Promise<JoinResult> {
  const newId = `${request.instanceId ?? request.clientId}-${formatUuid(random.uuid())}`
  if (request.instanceId !== null) {
    const oldId = group.staticMemberId(request.instanceId)
    const member = oldId === undefined ? undefined : group.members.get(oldId)
    if (member !== undefined) {
      return await replaceStatic(group, member, newId, request, protocols, rebalance)
    }
  } else if (request.idBeforeJoin) {
    rebalance.addPending(group, newId, request.sessionTimeoutMs, request.signal)
    return refusedJoin(errorCodes.MEMBER_ID_REQUIRED, newId)
  }
  const member = newMember(group, newId, request, rebalance)
  return await rebalance.addMember(group, member, request, protocols)
}

async function joinKnown(
  group: Group,
  request: JoinRequest,
  protocols: readonly MemberProtocol[],
  { rebalance }: JoinDependencies
): Promise<JoinResult> {
  const { memberId, instanceId } = request
  if (instanceId === null && rebalance.takePending(group, memberId)) {
    const member = newMember(group, memberId, request, rebalance)
    return await rebalance.addMember(group, member, request, protocols)
  }
  const error = group.checkMember(memberId, instanceId)
  const member = group.members.get(memberId)
  if (error !== errorCodes.NONE || member === undefined) return refusedJoin(error, memberId)
  const same = member.offersSame(protocols)
  // In CompletingRebalance: the answer may have been lost. In Stable: only the leader can want a new assignment
  // though it offers the same (topics changed).
  const keepsGeneration =
    (group.state === 'CompletingRebalance' && same) ||
    (group.state === 'Stable' && same && group.leaderId !== memberId)
  if (!keepsGeneration) return await rebalance.rejoin(group, member, request, protocols)
  member.touchSession()
  return rebalance.generationFor(group, member)
}

/**
 * KIP-345: the instance is back under a new id. A Stable group whose protocol stays goes on as it is: the member gets
 * its old assignment from its next sync.
 */
async function replaceStatic(
  group: Group,
  member: Member,
  newId: string,
  request: JoinRequest,
  protocols: readonly MemberProtocol[],
  rebalance: Rebalance
): Promise<JoinResult> {
  const oldLeader = group.leaderId ?? ''
  group.replaceStatic(member, newId)
  if (group.state !== 'Stable') return await rebalance.rejoin(group, member, request, protocols)
  group.update(member, request, protocols)
  if (group.selectProtocol() !== group.protocolName) {
    return await rebalance.rejoin(group, member, request, protocols)
  }
  member.idTold = true
  member.touchSession()
  const generation = rebalance.generationFor(group, member)
  // KIP-814: before v9 a leader that must not assign is told that the one it was before leads.
  if (!request.canSkipAssignment) return { ...generation, leader: oldLeader, members: [] }
  return { ...generation, skipAssignment: group.leaderId === newId }
}

function newMember(group: Group, id: string, request: JoinRequest, rebalance: Rebalance): Member {
  const session = rebalance.session(() =>
    rebalance.remove(group, member, 'a session expired', errorCodes.UNKNOWN_MEMBER_ID)
  )
  const member = new Member(id, request, session)
  return member
}

function formatUuid(uuid: Buffer): string {
  return uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
