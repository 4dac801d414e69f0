import type { Timer } from '../../../storage/ports.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type { Member } from './member.ts'
import { type JoinRequest, type MemberProtocol, refusedJoin, refusedSync } from './membership.ts'
import type { Session } from './session.ts'

/** As spelt on the wire. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** An id that was handed out (KIP-394) and has not joined yet. */
export interface PendingMember {
  readonly session: Session
  /** A rebalance waits for it, as long as the connection that was told the id is there. */
  awaited: boolean
  /** Stops watching that connection. */
  release(): void
}

/** Bytes that all groups together keep of their members. */
export interface GroupMemory {
  bytes: number
}

/** Members of one group and what follows from them alone. When things happen is rebalance.ts's. */
export class Group {
  readonly id: string
  state: GroupState = 'Empty'
  /** Whether the rebalance under way began with an empty group. */
  initialRebalance = false
  /** Somebody joined since the initial delay was last extended. */
  newMemberAdded = false
  generation = 0
  /** It has formed a generation with members, and has not been empty since. */
  occupied = false
  protocolType: string | null = null
  protocolName: string | null = null
  leaderId: string | null = null
  readonly members = new Map<string, Member>()
  readonly pending = new Map<string, PendingMember>()
  /** Have the generation's number, but have not asked for its assignment. */
  readonly unsynced = new Set<string>()
  rebalanceTimer: Timer | null = null
  syncTimer: Timer | null = null
  bytes = 0
  readonly #memory: GroupMemory
  readonly #staticIds = new Map<string, string>()
  /** Protocol name -> number of members that offer it. */
  readonly #offers = new Map<string, number>()

  constructor(id: string, memory: GroupMemory) {
    this.id = id
    this.#memory = memory
  }

  get gone(): boolean {
    return this.members.size === 0 && this.pending.size === 0
  }

  waitingToJoin(): number {
    let count = 0
    for (const member of this.members.values()) if (member.joining !== null) count++
    return count
  }

  allJoined(): boolean {
    for (const pending of this.pending.values()) if (pending.awaited) return false
    for (const member of this.members.values()) if (member.joining === null) return false
    return true
  }

  rebalanceTimeoutMs(): number {
    let longest = 0
    for (const member of this.members.values()) {
      longest = Math.max(longest, member.rebalanceTimeoutMs)
    }
    return longest
  }

  /** Whether a member with these protocols can be one of this group. */
  accepts(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0
    if (this.members.size === 0) return protocolType !== '' && protocols.length > 0
    if (this.protocolType !== protocolType) return false
    return protocols.some(({ name }) => this.#offers.get(name) === this.members.size)
  }

  staticMemberId(instanceId: string): string | undefined {
    return this.#staticIds.get(instanceId)
  }

  /** Whether `memberId` is a member, and still the one that its instance id names (KIP-345). */
  checkMember(memberId: string, instanceId: string | null): ErrorCode {
    if (instanceId !== null) {
      const current = this.#staticIds.get(instanceId)
      if (current === undefined) return errorCodes.UNKNOWN_MEMBER_ID
      if (current !== memberId) return errorCodes.FENCED_INSTANCE_ID
    }
    return this.members.has(memberId) ? errorCodes.NONE : errorCodes.UNKNOWN_MEMBER_ID
  }

  add(member: Member, request: JoinRequest, protocols: readonly MemberProtocol[]): void {
    if (this.members.size === 0) this.protocolType = request.protocolType
    this.leaderId ??= member.id
    this.members.set(member.id, member)
    if (member.instanceId !== null) this.#staticIds.set(member.instanceId, member.id)
    this.update(member, request, protocols)
  }

  update(member: Member, request: JoinRequest, protocols: readonly MemberProtocol[]): void {
    this.#uncount(member)
    member.update(request, protocols)
    this.#count(member)
  }

  /** Takes the member out and stops its session; what it waits for is the caller's to answer. */
  remove(member: Member): void {
    member.session.stop()
    this.#uncount(member)
    this.members.delete(member.id)
    this.unsynced.delete(member.id)
    if (member.instanceId !== null) this.#staticIds.delete(member.instanceId)
    if (this.leaderId === member.id) this.leaderId = this.members.keys().next().value ?? null
  }

  /** A static member comes back without its id: the old id is fenced, whatever waits for it is told so. */
  replaceStatic(member: Member, newId: string): void {
    const oldId = member.id
    member.answerJoin(refusedJoin(errorCodes.FENCED_INSTANCE_ID, oldId))
    member.answerSync(refusedSync(errorCodes.FENCED_INSTANCE_ID))
    this.members.delete(oldId)
    member.id = newId
    this.members.set(newId, member)
    if (member.instanceId !== null) this.#staticIds.set(member.instanceId, newId)
    if (this.leaderId === oldId) this.leaderId = newId
    if (this.unsynced.delete(oldId)) this.unsynced.add(newId)
  }

  assign(member: Member, assignment: Buffer): void {
    this.#grow(assignment.length - member.assignment.length)
    member.assignment = assignment
  }

  /** The protocol that all members offer and most of them prefer; null in a group without members. */
  selectProtocol(): string | null {
    const candidates = new Set<string>()
    for (const [name, offers] of this.#offers) {
      if (offers === this.members.size) candidates.add(name)
    }
    const votes = new Map<string, number>()
    for (const member of this.members.values()) {
      const vote = member.voteFor(candidates)
      if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
    }
    let chosen: string | null = null
    for (const [name, count] of votes) {
      if (chosen === null || count > (votes.get(chosen) ?? 0)) chosen = name
    }
    return chosen
  }

  /** Keeps the leader if it has joined, else takes the first that has; false if nobody has. */
  electJoinedLeader(): boolean {
    const leader = this.leaderId === null ? undefined : this.members.get(this.leaderId)
    if (leader !== undefined && leader.joining !== null) return true
    for (const member of this.members.values()) {
      if (member.joining === null) continue
      this.leaderId = member.id
      return true
    }
    return false
  }

  /** Starts the next generation, or the emptiness after the last. */
  nextGeneration(): void {
    this.generation++
    this.unsynced.clear()
    this.protocolName = this.selectProtocol()
    this.state = this.members.size === 0 ? 'Empty' : 'CompletingRebalance'
  }

  #count(member: Member): void {
    for (const name of namesOf(member)) this.#offers.set(name, (this.#offers.get(name) ?? 0) + 1)
    this.#grow(member.bytes)
  }

  #uncount(member: Member): void {
    for (const name of namesOf(member)) {
      const left = (this.#offers.get(name) ?? 0) - 1
      if (left > 0) this.#offers.set(name, left)
      else this.#offers.delete(name)
    }
    this.#grow(-member.bytes)
  }

  #grow(bytes: number): void {
    this.bytes += bytes
    this.#memory.bytes += bytes
  }
}

/** Each name once, should a client repeat one. */
function namesOf(member: Member): ReadonlySet<string> {
  return new Set(member.protocols.map(({ name }) => name))
}
