/** Whose members a group has now. Until groups may be mixed, the other protocol's members are refused meanwhile. */

export type GroupProtocol = 'kafka' | 'rocketmq'

/** One member, for tools. */
export interface LiveMember {
  /** Unique in its group. */
  readonly id: string
  /** The address that it is at, without a port where that is not known. */
  readonly address: string
}

/** A group that has members (or is about to have). */
export interface LiveGroup {
  readonly protocol: GroupProtocol
  /** Whether members read the topic called so by Kafka clients; true where it is not known. */
  reads(kafkaTopicName: string): boolean
  members(): readonly LiveMember[]
  /** What members read, by Kafka's names; undefined where it is not known. */
  topics(): ReadonlySet<string> | undefined
}

/** Keyed by the group's name as Kafka clients say it. */
export class GroupOwnership {
  readonly #live = new Map<string, LiveGroup>()

  /** False, and nothing changes, while members of the other protocol have the group. */
  claim(group: string, live: LiveGroup): boolean {
    const present = this.#live.get(group)
    if (present !== undefined && present.protocol !== live.protocol) return false
    this.#live.set(group, live)
    return true
  }

  release(group: string, protocol: GroupProtocol): void {
    if (this.#live.get(group)?.protocol === protocol) this.#live.delete(group)
  }

  find(group: string): LiveGroup | undefined {
    return this.#live.get(group)
  }

  /** All groups that have members. */
  entries(): Iterable<readonly [group: string, live: LiveGroup]> {
    return this.#live.entries()
  }
}
