/**
 * How a group comes from one generation to the next: Empty -> PreparingRebalance (members are asked to join again, and
 * wait) -> CompletingRebalance (they have the generation, and wait for the leader's assignment) -> Stable. Rules as in
 * Apache Kafka's GroupMetadataManager and ClassicGroup; but a member whose connection is gone never counts as joined:
 * its session runs, and the others go on without it.
 */
import type { Clock } from '../../../storage/ports.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type { Group, PendingMember } from './group.ts'
import type { Member } from './member.ts'
import {
  type JoinRequest,
  type JoinResult,
  type MemberProtocol,
  refusedJoin,
  refusedSync,
  type SyncRequest,
  type SyncResult
} from './membership.ts'
import { Parked, whenVanished } from './parked.ts'
import { Session } from './session.ts'
import type { GroupSettings } from './settings.ts'

export interface RebalanceDependencies {
  readonly clock: Clock
  readonly settings: GroupSettings
  /** Called after every transition and whenever the last member or pending id has gone. */
  readonly changed: (group: Group, reason: string) => void
}

export class Rebalance {
  readonly #clock: Clock
  readonly #settings: GroupSettings
  readonly #changed: (group: Group, reason: string) => void

  constructor({ clock, settings, changed }: RebalanceDependencies) {
    this.#clock = clock
    this.#settings = settings
    this.#changed = changed
  }

  /** A session for a member or a pending id, not yet started. */
  session(expire: () => void): Session {
    return new Session(this.#clock, this.#settings.stalledTimerMs, expire)
  }

  addPending(group: Group, memberId: string, sessionTimeoutMs: number, signal: AbortSignal): void {
    const session = this.session(() => this.dropPending(group, memberId))
    const release = whenVanished(signal, () => {
      // It may still come back on another connection, but nobody waits for it.
      pending.awaited = false
      this.#progress(group)
    })
    const pending: PendingMember = { session, awaited: true, release }
    group.pending.set(memberId, pending)
    session.touch(sessionTimeoutMs)
    this.#changed(group, 'a member id was handed out')
  }

  /** Forgets an id that was handed out; false if there is none. */
  dropPending(group: Group, memberId: string): boolean {
    if (!this.takePending(group, memberId)) return false
    this.#changed(group, 'a member id was not used')
    this.#progress(group)
    return true
  }

  takePending(group: Group, memberId: string): boolean {
    const pending = group.pending.get(memberId)
    if (pending === undefined) return false
    group.pending.delete(memberId)
    pending.session.stop()
    pending.release()
    return true
  }

  /** A new member joins: it waits, and the group rebalances. */
  addMember(
    group: Group,
    member: Member,
    request: JoinRequest,
    protocols: readonly MemberProtocol[]
  ): Promise<JoinResult> {
    if (group.state === 'PreparingRebalance' && group.initialRebalance) group.newMemberAdded = true
    group.add(member, request, protocols)
    const answered = this.#parkJoin(group, member, request.signal)
    this.rebalance(group, 'a member joined')
    return answered
  }

  /** A known member joins (again): it waits, and the group rebalances. */
  rejoin(
    group: Group,
    member: Member,
    request: JoinRequest,
    protocols: readonly MemberProtocol[]
  ): Promise<JoinResult> {
    group.update(member, request, protocols)
    const answered = this.#parkJoin(group, member, request.signal)
    this.rebalance(group, 'a member joined again')
    return answered
  }

  /** Starts a rebalance; where one is under way, completes it if that has become possible. */
  rebalance(group: Group, reason: string): void {
    if (group.state === 'PreparingRebalance') this.#progress(group)
    else this.#prepare(group, reason)
  }

  /** Takes a member out. What it waits for is answered with `error`. */
  remove(group: Group, member: Member, reason: string, error: ErrorCode): void {
    group.remove(member)
    member.answerJoin(refusedJoin(error, ''))
    member.answerSync(refusedSync(error))
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
      this.#prepare(group, reason)
    } else {
      this.#changed(group, reason)
      this.#progress(group)
    }
  }

  /** A member that is no part of a rebalance asks for its assignment, before the leader's is there. */
  parkSync(group: Group, member: Member, request: SyncRequest): Promise<SyncResult> {
    member.answerSync(refusedSync(errorCodes.REBALANCE_IN_PROGRESS))
    member.session.stop()
    const parked = new Parked(
      request.signal,
      refusedSync(errorCodes.REBALANCE_IN_PROGRESS),
      (vanished: Parked<SyncResult>) => {
        if (member.syncing !== vanished) return
        member.syncing = null
        member.touchSession()
      }
    )
    member.syncing = parked
    this.#synced(group, member)
    return parked.answered
  }

  /** The leader's assignment is there: everybody gets his, and the group is Stable. */
  complete(group: Group, assignments: ReadonlyMap<string, Buffer>): void {
    for (const member of group.members.values()) {
      group.assign(member, assignments.get(member.id) ?? Buffer.alloc(0))
    }
    group.state = 'Stable'
    for (const member of group.members.values()) {
      if (member.syncing === null) continue
      member.answerSync(this.assignmentOf(group, member))
      member.touchSession()
    }
    this.#changed(group, 'the leader has assigned')
  }

  /** The leader's assignment cannot be kept: everybody is told, and joins again. */
  fail(group: Group, error: ErrorCode): void {
    this.#answerSyncs(group, error)
    this.#prepare(group, 'the assignment was refused')
  }

  /** In a Stable group. */
  assignmentOf(group: Group, member: Member): SyncResult {
    this.#synced(group, member)
    return {
      error: errorCodes.NONE,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      assignment: member.assignment
    }
  }

  /** What a member is told of the present generation. */
  generationFor(group: Group, member: Member): JoinResult {
    const protocolName = group.protocolName ?? ''
    const leads = group.leaderId === member.id
    return {
      error: errorCodes.NONE,
      memberId: member.id,
      generation: group.generation,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      leader: group.leaderId ?? '',
      skipAssignment: false,
      members: leads ? [...group.members.values()].map((each) => each.asJoined(protocolName)) : []
    }
  }

  #parkJoin(group: Group, member: Member, signal: AbortSignal): Promise<JoinResult> {
    // The same member on an older connection: that one asks again, if anybody is left there.
    member.answerJoin(refusedJoin(errorCodes.REBALANCE_IN_PROGRESS, member.id))
    member.session.stop()
    const parked = new Parked(
      signal,
      refusedJoin(errorCodes.REBALANCE_IN_PROGRESS, member.id),
      (vanished: Parked<JoinResult>) => {
        if (member.joining !== vanished) return
        member.joining = null
        if (member.idTold || member.instanceId !== null) member.touchSession()
        else this.remove(group, member, 'a new member went away', errorCodes.UNKNOWN_MEMBER_ID)
      }
    )
    member.joining = parked
    return parked.answered
  }

  #prepare(group: Group, reason: string): void {
    if (group.state === 'CompletingRebalance') {
      this.#answerSyncs(group, errorCodes.REBALANCE_IN_PROGRESS)
    }
    group.syncTimer?.cancel()
    group.syncTimer = null
    group.initialRebalance = group.state === 'Empty'
    group.newMemberAdded = false
    group.state = 'PreparingRebalance'
    this.#changed(group, reason)
    if (group.initialRebalance) {
      const delayMs = this.#settings.initialRebalanceDelayMs
      this.#delay(group, delayMs, Math.max(group.rebalanceTimeoutMs() - delayMs, 0))
    } else if (group.allJoined()) {
      this.#completeJoin(group)
    } else {
      this.#scheduleCompletion(group)
    }
  }

  /** The initial delay, extended as long as members come in and the first one's patience lasts. */
  #delay(group: Group, delayMs: number, remainingMs: number): void {
    if (delayMs === 0) {
      this.#completeJoin(group)
      return
    }
    group.rebalanceTimer?.cancel()
    group.rebalanceTimer = this.#clock.after(delayMs, () => {
      if (group.newMemberAdded && remainingMs > 0) {
        group.newMemberAdded = false
        const nextMs = Math.min(this.#settings.initialRebalanceDelayMs, remainingMs)
        this.#delay(group, nextMs, Math.max(remainingMs - nextMs, 0))
      } else {
        this.#completeJoin(group)
      }
    })
  }

  #scheduleCompletion(group: Group): void {
    group.rebalanceTimer?.cancel()
    group.rebalanceTimer = this.#clock.after(group.rebalanceTimeoutMs(), () =>
      this.#completeJoin(group)
    )
  }

  #progress(group: Group): void {
    if (group.state !== 'PreparingRebalance') return
    // An initial rebalance lasts its delay, unless nobody is left to wait.
    if (group.initialRebalance && group.members.size > 0) return
    if (group.allJoined()) this.#completeJoin(group)
  }

  /** Everybody has joined, or the time is up: dynamic members that have not joined are put out. */
  #completeJoin(group: Group): void {
    group.rebalanceTimer?.cancel()
    group.rebalanceTimer = null
    for (const member of [...group.members.values()]) {
      if (member.joining === null && member.instanceId === null) group.remove(member)
    }
    if (group.members.size > 0 && !group.electJoinedLeader()) {
      // Static members only, and none is back: their sessions decide.
      group.initialRebalance = false
      this.#scheduleCompletion(group)
      return
    }
    group.nextGeneration()
    for (const member of group.members.values()) {
      group.unsynced.add(member.id)
      member.idTold = true
      member.answerJoin(this.generationFor(group, member))
      member.touchSession()
    }
    if (group.members.size > 0) this.#scheduleSyncs(group)
    this.#changed(group, 'a generation was formed')
  }

  #scheduleSyncs(group: Group): void {
    group.syncTimer?.cancel()
    group.syncTimer = this.#clock.after(group.rebalanceTimeoutMs(), () => {
      group.syncTimer = null
      if (group.unsynced.size === 0) return
      for (const id of group.unsynced) {
        const member = group.members.get(id)
        if (member !== undefined) group.remove(member)
      }
      this.#prepare(group, 'members did not sync')
    })
  }

  #synced(group: Group, member: Member): void {
    group.unsynced.delete(member.id)
    if (group.unsynced.size > 0) return
    group.syncTimer?.cancel()
    group.syncTimer = null
  }

  #answerSyncs(group: Group, error: ErrorCode): void {
    for (const member of group.members.values()) {
      group.assign(member, Buffer.alloc(0))
      if (member.syncing === null) continue
      member.answerSync(refusedSync(error))
      member.touchSession()
    }
  }
}
