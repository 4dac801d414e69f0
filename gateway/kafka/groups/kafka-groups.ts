/** Groups as Kafka's handlers see them: live ones from the coordinator, stored ones from gateway/broker/groups. */
import type { Clock, LogSink, Random } from '../../../storage/ports.ts'
import type { Groups, LiveMember } from '../../broker/groups/index.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import { ClassicCoordinator } from './coordinator.ts'
import type { Group, GroupState } from './group.ts'
import type { MemberClaim } from './membership.ts'
import type { GroupSettings } from './settings.ts'
import { topicsOf } from './subscription.ts'

export interface KafkaGroupsOptions {
  readonly groups: Groups
  readonly clock: Clock
  readonly random: Random
  readonly log: LogSink
  readonly settings?: Partial<GroupSettings>
}

/** A row of ListGroups. */
export interface GroupSummary {
  readonly id: string
  readonly protocolType: string
  readonly state: GroupState
}

export class KafkaGroups {
  readonly coordinator: ClassicCoordinator
  readonly #groups: Groups

  constructor({ groups, clock, random, log, settings }: KafkaGroupsOptions) {
    this.#groups = groups
    const { ownership, stored } = groups
    this.coordinator = new ClassicCoordinator({
      clock,
      random,
      log,
      ...(settings === undefined ? {} : { settings }),
      registry: {
        has: (id) => stored.has(id),
        claim: (group) =>
          ownership.claim(group.id, {
            protocol: 'kafka',
            reads: (topic) => reads(group, topic),
            members: () => membersOf(group),
            topics: () => topicsOf(group) ?? undefined
          }),
        release: (id) => ownership.release(id, 'kafka'),
        occupied: (group) => stored.occupied(group.id, group.protocolType ?? ''),
        emptied: (group) => stored.emptied(group.id)
      }
    })
  }

  get offsets(): Groups['offsets'] {
    return this.#groups.offsets
  }

  /** Whether the group has members now, of whichever protocol. */
  isOccupied(id: string): boolean {
    const group = this.coordinator.find(id)
    if (group !== undefined) return group.state !== 'Empty'
    return this.#groups.ownership.find(id) !== undefined
  }

  /** The members of a group whose clients speak RocketMQ's protocol; undefined for every other group. */
  otherMembers(id: string): readonly LiveMember[] | undefined {
    const owner = this.#groups.ownership.find(id)
    return owner === undefined || owner.protocol === 'kafka' ? undefined : owner.members()
  }

  /** Whether offsets may be committed in this name now; refreshes the member's session. */
  checkCommit(claim: MemberClaim, version: number): ErrorCode {
    const owner = this.#groups.ownership.find(claim.groupId)
    // The other protocol's members have it: nobody here is one of them.
    if (owner !== undefined && owner.protocol !== 'kafka') return errorCodes.UNKNOWN_MEMBER_ID
    return this.coordinator.checkCommit(claim, version)
  }

  exists(id: string): boolean {
    return this.coordinator.find(id) !== undefined || this.#groups.stored.has(id)
  }

  /** Undefined for a group that is neither stored nor has members. */
  summary(id: string): GroupSummary | undefined {
    const stored = this.#groups.stored.get(id)
    const live = this.coordinator.find(id)
    if (live === undefined && stored === undefined) return undefined
    const protocolType = live?.protocolType ?? stored?.row.protocolType ?? ''
    const state = this.otherMembers(id) === undefined ? (live?.state ?? 'Empty') : 'Stable'
    return { id, protocolType, state }
  }

  /** All groups, in no special order. */
  *summaries(): Iterable<GroupSummary> {
    const ids = new Set<string>()
    for (const { id } of this.coordinator.groups()) ids.add(id)
    for (const [id] of this.#groups.stored.entries()) ids.add(id)
    for (const id of ids) {
      const summary = this.summary(id)
      if (summary !== undefined) yield summary
    }
  }

  /** Answers what waits, and stops all timers. The stored groups are their owner's to close. */
  close(): void {
    this.coordinator.close()
  }
}

/** Hosts are kept as Kafka's tools show them, with a slash in front. */
function membersOf(group: Group): LiveMember[] {
  return [...group.members.values()].map(({ id, clientHost }) => {
    return { id, address: clientHost.replace(/^\//, '') }
  })
}

function reads(group: Group, topic: string): boolean {
  // While a group rebalances, what it will read is not known.
  if (group.state !== 'Stable') return true
  return topicsOf(group)?.has(topic) ?? true
}
