/** A coordinator under a fake clock and a seeded generator, and members that speak to it. */
import { ClassicCoordinator } from '../../../../gateway/kafka/groups/coordinator.ts'
import type { Group } from '../../../../gateway/kafka/groups/group.ts'
import type {
  JoinRequest,
  JoinResult,
  SyncResult
} from '../../../../gateway/kafka/groups/membership.ts'
import type { GroupSettings } from '../../../../gateway/kafka/groups/settings.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { SeededRandom } from '../../../support/seeded-random.ts'

/** Can make the server stand still: time goes on meanwhile, timers fire late. */
class StallingClock extends FakeClock {
  #stalledMs = 0

  override monotonicMs(): number {
    return super.monotonicMs() + this.#stalledMs
  }

  async stall(ms: number): Promise<void> {
    this.#stalledMs += ms
    await this.advance(0)
  }
}

export type Asked<Result> = { readonly promise: Promise<Result>; result: Result | undefined }

/** Lets every promise that can go on go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export interface JoinWish {
  readonly group?: string
  readonly memberId?: string
  readonly instanceId?: string | null
  readonly clientId?: string
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
  readonly protocolType?: string
  readonly protocols?: readonly (readonly [name: string, metadata: string])[]
  readonly version?: number
  readonly connection?: AbortController
}

export class GroupWorld {
  readonly clock = new StallingClock()
  readonly random: SeededRandom
  readonly stored = new Set<string>()
  readonly events: string[] = []
  readonly coordinator: ClassicCoordinator
  claimable = true
  /** All that was ever asked and has to be answered. */
  readonly asked: Asked<unknown>[] = []

  constructor(settings: Partial<GroupSettings> = {}, seed = 1) {
    this.random = new SeededRandom(seed)
    this.coordinator = new ClassicCoordinator({
      clock: this.clock,
      random: this.random,
      log: () => {},
      settings,
      registry: {
        has: (id) => this.stored.has(id),
        claim: () => this.claimable,
        release: (id) => this.events.push(`release ${id}`),
        occupied: (group) => this.events.push(`occupied ${group.id} ${group.generation}`),
        emptied: (group) => this.events.push(`emptied ${group.id}`)
      }
    })
  }

  group(id = 'g'): Group {
    const group = this.coordinator.find(id)
    if (group === undefined) throw new Error(`no group ${id}`)
    return group
  }

  get state(): string {
    return this.coordinator.find('g')?.state ?? 'none'
  }

  ask<Result>(promise: Promise<Result>): Asked<Result> {
    const asked: Asked<Result> = { promise, result: undefined }
    this.asked.push(asked)
    promise.then(
      (result) => {
        asked.result = result
      },
      () => {}
    )
    return asked
  }

  join(wish: JoinWish = {}): Asked<JoinResult> {
    const version = wish.version ?? 9
    const request: JoinRequest = {
      groupId: wish.group ?? 'g',
      memberId: wish.memberId ?? '',
      instanceId: wish.instanceId ?? null,
      clientId: wish.clientId ?? 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: wish.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: wish.rebalanceTimeoutMs ?? 60_000,
      protocolType: wish.protocolType ?? 'consumer',
      protocols: (wish.protocols ?? [['range', 'm']]).map(([name, metadata]) => ({
        name,
        metadata: Buffer.from(metadata)
      })),
      idBeforeJoin: version >= 4,
      canSkipAssignment: version >= 9,
      signal: (wish.connection ?? new AbortController()).signal
    }
    return this.ask(this.coordinator.join(request))
  }

  /** A dynamic member's two steps: an id, then the join with it. */
  async joinWithId(wish: JoinWish = {}): Promise<Asked<JoinResult> & { memberId: string }> {
    const first = await this.join(wish).promise
    const asked = this.join({ ...wish, memberId: first.memberId })
    await settle()
    return Object.assign(asked, { memberId: first.memberId })
  }

  sync(
    joined: Pick<JoinResult, 'memberId' | 'generation'>,
    assignments: Readonly<Record<string, string>> = {},
    more: {
      instanceId?: string | null
      connection?: AbortController
      protocolType?: string
      protocolName?: string
    } = {}
  ): Asked<SyncResult> {
    return this.ask(
      this.coordinator.sync({
        groupId: 'g',
        memberId: joined.memberId,
        instanceId: more.instanceId ?? null,
        generation: joined.generation,
        protocolType: more.protocolType ?? null,
        protocolName: more.protocolName ?? null,
        assignments: Object.entries(assignments).map(([memberId, assignment]) => ({
          memberId,
          assignment: Buffer.from(assignment)
        })),
        signal: (more.connection ?? new AbortController()).signal
      })
    )
  }

  heartbeat(memberId: string, generation: number, instanceId: string | null = null): number {
    return this.coordinator.heartbeat({ groupId: 'g', memberId, instanceId, generation })
  }

  commit(
    memberId: string,
    generation: number,
    { instanceId = null as string | null, version = 9, group = 'g' } = {}
  ): number {
    return this.coordinator.checkCommit(
      { groupId: group, memberId, instanceId, generation },
      version
    )
  }

  leave(memberId: string, instanceId: string | null = null): number | undefined {
    return this.coordinator.leave('g', [{ memberId, instanceId }])[0]
  }

  /** Members in a Stable group, the first one the leader; each has been assigned its own id. */
  async stable(count: number, wish: JoinWish = {}): Promise<JoinResult[]> {
    const asked = []
    for (let index = 0; index < count; index++) {
      asked.push(await this.joinWithId(wish))
      for (const earlier of asked.slice(0, -1)) {
        const again = this.join({ ...wish, memberId: earlier.memberId })
        await settle()
        Object.assign(earlier, again)
        // The object that its promise fills is the new one.
        again.promise.then(
          (result) => {
            earlier.result = result
          },
          () => {}
        )
      }
      await settle()
    }
    const joined = asked.map(({ result }) => {
      if (result === undefined) throw new Error('still waiting')
      return result
    })
    const leader = joined.find(({ memberId, leader }) => memberId === leader)
    if (leader === undefined) throw new Error('no leader')
    this.sync(leader, Object.fromEntries(joined.map(({ memberId }) => [memberId, memberId])))
    for (const member of joined) await this.sync(member).promise
    return joined
  }
}
