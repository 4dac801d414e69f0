/**
 * The classic group protocol: all groups that have members, and what their members ask. Pure logic over a clock and a
 * source of randomness; error codes are values. Members live in memory only: after a restart they are told
 * UNKNOWN_MEMBER_ID and join again. What is kept over a restart is gateway/broker/groups'.
 */
import type { Clock, LogSink, Random } from '../../../storage/ports.ts'
import { kafkaGroupNameFault } from '../../broker/names.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import { Group, type GroupMemory } from './group.ts'
import { joinGroup } from './join.ts'
import type { Member } from './member.ts'
import {
  type JoinRequest,
  type JoinResult,
  type LeavingMember,
  type MemberClaim,
  refusedJoin,
  refusedSync,
  type SyncRequest,
  type SyncResult
} from './membership.ts'
import { Rebalance } from './rebalance.ts'
import { defaultGroupSettings, type GroupSettings } from './settings.ts'

/** What becomes of groups outside the coordinator: stored rows, and which protocol's members a group has. */
export interface GroupRegistry {
  /** Whether the group is stored, with or without members. */
  has(groupId: string): boolean
  /** A group gets its first member, or id handed out to one; false if another protocol's members have it. */
  claim(group: Group): boolean
  /** It has neither any more. */
  release(groupId: string): void
  /** It formed a generation with members. */
  occupied(group: Group): void
  /** Its last member has gone. */
  emptied(group: Group): void
}

export interface CoordinatorOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: LogSink
  readonly registry: GroupRegistry
  readonly settings?: Partial<GroupSettings>
}

export class ClassicCoordinator {
  readonly settings: GroupSettings
  readonly #random: Random
  readonly #log: LogSink
  readonly #registry: GroupRegistry
  readonly #rebalance: Rebalance
  readonly #groups = new Map<string, Group>()
  readonly #memory: GroupMemory = { bytes: 0 }
  #closed = false

  constructor({ clock, random, log, registry, settings }: CoordinatorOptions) {
    this.settings = { ...defaultGroupSettings, ...settings }
    this.#random = random
    this.#log = log
    this.#registry = registry
    this.#rebalance = new Rebalance({
      clock,
      settings: this.settings,
      changed: (group, reason) => this.#changed(group, reason)
    })
  }

  /** The group if it has members or ids handed out. */
  find(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  groups(): Iterable<Group> {
    return this.#groups.values()
  }

  async join(request: JoinRequest): Promise<JoinResult> {
    const { groupId, memberId } = request
    const error = this.#checkJoin(request)
    if (error !== errorCodes.NONE) return refusedJoin(error, memberId)
    let group = this.#groups.get(groupId)
    if (group === undefined) {
      group = new Group(groupId, this.#memory)
      if (!this.#registry.claim(group)) {
        return refusedJoin(errorCodes.INCONSISTENT_GROUP_PROTOCOL, memberId)
      }
      this.#groups.set(groupId, group)
    }
    const answer = joinGroup(group, request, {
      rebalance: this.#rebalance,
      random: this.#random,
      settings: this.settings,
      bytesLeft: () => this.settings.allGroupsBytesMax - this.#memory.bytes
    })
    this.#dropIfGone(group)
    return await answer
  }

  async sync(request: SyncRequest): Promise<SyncResult> {
    const { groupId, memberId } = request
    const checked = this.#check(request)
    if (checked.error !== errorCodes.NONE) return refusedSync(checked.error)
    const { group, member } = checked
    if (
      (request.protocolType !== null && request.protocolType !== group.protocolType) ||
      (request.protocolName !== null && request.protocolName !== group.protocolName)
    ) {
      return refusedSync(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
    }
    if (request.signal.aborted) return refusedSync(errorCodes.REBALANCE_IN_PROGRESS)
    if (group.state === 'PreparingRebalance') return refusedSync(errorCodes.REBALANCE_IN_PROGRESS)
    if (group.state === 'Stable') {
      member.touchSession()
      return this.#rebalance.assignmentOf(group, member)
    }
    const answered = this.#rebalance.parkSync(group, member, request)
    if (group.leaderId === memberId) this.#assign(group, request)
    this.#log('debug', 'group-sync', { group: groupId, member: memberId })
    return await answered
  }

  heartbeat(claim: MemberClaim): ErrorCode {
    const checked = this.#check(claim)
    if (checked.error !== errorCodes.NONE) return checked.error
    checked.member.touchSession()
    return checked.group.state === 'PreparingRebalance'
      ? errorCodes.REBALANCE_IN_PROGRESS
      : errorCodes.NONE
  }

  /** One answer a member, same order. */
  leave(groupId: string, members: readonly LeavingMember[]): ErrorCode[] {
    if (this.#closed) return members.map(() => errorCodes.NOT_COORDINATOR)
    const group = this.#groups.get(groupId)
    if (group === undefined) return members.map(() => errorCodes.UNKNOWN_MEMBER_ID)
    return members.map((leaving) => this.#leave(group, leaving))
  }

  /** Whether offsets may be committed in this name now; refreshes the member's session. */
  checkCommit(claim: MemberClaim, version: number): ErrorCode {
    const { groupId, memberId, instanceId, generation } = claim
    if (this.#closed) return errorCodes.NOT_COORDINATOR
    const group = this.#groups.get(groupId)
    if (group === undefined && !this.#registry.has(groupId)) {
      if (generation < 0) return errorCodes.NONE
      return version >= 9 ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.ILLEGAL_GENERATION
    }
    if (generation < 0 && (group === undefined || group.state === 'Empty')) return errorCodes.NONE
    if (generation < 0 && memberId === '' && instanceId === null) {
      // From outside the group: its members' offsets are theirs.
      return errorCodes.UNKNOWN_MEMBER_ID
    }
    const checked = this.#check(claim)
    if (checked.error !== errorCodes.NONE) return checked.error
    if (checked.group.state === 'CompletingRebalance') return errorCodes.REBALANCE_IN_PROGRESS
    checked.member.touchSession()
    return errorCodes.NONE
  }

  /** Answers everything that waits with NOT_COORDINATOR, and stops all timers. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const group of this.#groups.values()) {
      group.rebalanceTimer?.cancel()
      group.syncTimer?.cancel()
      for (const id of [...group.pending.keys()]) this.#rebalance.takePending(group, id)
      for (const member of [...group.members.values()]) {
        group.remove(member)
        member.answerJoin(refusedJoin(errorCodes.NOT_COORDINATOR, member.id))
        member.answerSync(refusedSync(errorCodes.NOT_COORDINATOR))
      }
    }
    this.#groups.clear()
  }

  #checkJoin(request: JoinRequest): ErrorCode {
    const { groupId, sessionTimeoutMs, signal } = request
    const { sessionTimeoutMinMs, sessionTimeoutMaxMs, liveGroupsMax } = this.settings
    if (this.#closed) return errorCodes.NOT_COORDINATOR
    if (signal.aborted) return errorCodes.REBALANCE_IN_PROGRESS
    if (kafkaGroupNameFault(groupId) !== undefined) return errorCodes.INVALID_GROUP_ID
    if (sessionTimeoutMs < sessionTimeoutMinMs || sessionTimeoutMs > sessionTimeoutMaxMs) {
      return errorCodes.INVALID_SESSION_TIMEOUT
    }
    if (this.#groups.has(groupId)) return errorCodes.NONE
    if (request.memberId !== '') return errorCodes.UNKNOWN_MEMBER_ID
    if (this.#groups.size >= liveGroupsMax) return errorCodes.COORDINATOR_NOT_AVAILABLE
    return errorCodes.NONE
  }

  #check(
    claim: MemberClaim
  ):
    | { readonly error: Exclude<ErrorCode, 0> }
    | { readonly error: 0; readonly group: Group; readonly member: Member } {
    if (this.#closed) return { error: errorCodes.NOT_COORDINATOR }
    const group = this.#groups.get(claim.groupId)
    if (group === undefined) return { error: errorCodes.UNKNOWN_MEMBER_ID }
    const error = group.checkMember(claim.memberId, claim.instanceId)
    if (error !== errorCodes.NONE) return { error }
    const member = group.members.get(claim.memberId)
    if (member === undefined) return { error: errorCodes.UNKNOWN_MEMBER_ID }
    if (claim.generation !== group.generation) return { error: errorCodes.ILLEGAL_GENERATION }
    return { error: errorCodes.NONE, group, member }
  }

  #assign(group: Group, request: SyncRequest): void {
    const assignments = new Map<string, Buffer>()
    let bytes = 0
    for (const { memberId, assignment } of request.assignments) {
      if (!group.members.has(memberId)) continue
      bytes += assignment.length
      assignments.set(memberId, Buffer.from(assignment))
    }
    const present = [...group.members.values()].reduce(
      (sum, each) => sum + each.assignment.length,
      0
    )
    const added = bytes - present
    const { groupBytesMax, allGroupsBytesMax } = this.settings
    if (group.bytes + added > groupBytesMax || this.#memory.bytes + added > allGroupsBytesMax) {
      this.#log('warn', 'group-assignment-too-large', { group: group.id, bytes })
      this.#rebalance.fail(group, errorCodes.UNKNOWN_SERVER_ERROR)
      return
    }
    this.#rebalance.complete(group, assignments)
  }

  #leave(group: Group, { memberId, instanceId }: LeavingMember): ErrorCode {
    if (memberId === '') {
      const currentId = instanceId === null ? undefined : group.staticMemberId(instanceId)
      const current = currentId === undefined ? undefined : group.members.get(currentId)
      if (current === undefined) return errorCodes.UNKNOWN_MEMBER_ID
      this.#rebalance.remove(group, current, 'put out', errorCodes.UNKNOWN_MEMBER_ID)
      return errorCodes.NONE
    }
    if (this.#rebalance.dropPending(group, memberId)) return errorCodes.NONE
    const error = group.checkMember(memberId, instanceId)
    const member = group.members.get(memberId)
    if (error !== errorCodes.NONE || member === undefined) return error
    this.#rebalance.remove(group, member, 'a member left', errorCodes.UNKNOWN_MEMBER_ID)
    return errorCodes.NONE
  }

  #changed(group: Group, reason: string): void {
    this.#log('debug', 'group-changed', {
      group: group.id,
      state: group.state,
      generation: group.generation,
      members: group.members.size,
      reason
    })
    if (this.#closed) return
    if (group.state === 'CompletingRebalance' && !group.occupied) {
      group.occupied = true
      this.#registry.occupied(group)
    } else if (group.state === 'Empty' && group.occupied) {
      group.occupied = false
      this.#registry.emptied(group)
    }
    this.#dropIfGone(group)
  }

  #dropIfGone(group: Group): void {
    if (group.state !== 'Empty' || !group.gone || this.#groups.get(group.id) !== group) return
    this.#groups.delete(group.id)
    this.#registry.release(group.id)
  }
}
