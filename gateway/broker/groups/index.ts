/** Groups as both protocols share them: which are stored, where they are, whose members they have. */
import type { Engine } from '../../../storage/contract.ts'
import type { Clock, LogSink } from '../../../storage/ports.ts'
import { GroupOffsets } from './group-offsets.ts'
import { KeyGate } from './key-gate.ts'
import { OffsetExpiry } from './offset-expiry.ts'
import { GroupOwnership } from './ownership.ts'
import { StoredGroups } from './stored-groups.ts'

export type { GroupOffsets, OffsetEntry, QueueKey } from './group-offsets.ts'
export type { GroupOwnership, GroupProtocol, LiveGroup, LiveMember } from './ownership.ts'
export type { StoredGroups } from './stored-groups.ts'

export interface GroupPolicy {
  /** offsets.retention.minutes, in ms: how long a group without members keeps its committed offsets. */
  readonly retentionMs: number
  /** offsets.retention.check.interval.ms */
  readonly checkIntervalMs: number
  /** Groups that are stored, with or without members. */
  readonly storedGroupsMax: number
}

export const defaultGroupPolicy: GroupPolicy = {
  retentionMs: 7 * 24 * 60 * 60 * 1000,
  checkIntervalMs: 10 * 60 * 1000,
  storedGroupsMax: 100_000
}

export interface GroupsOptions {
  readonly engine: Pick<Engine, 'commit' | 'readState' | 'scanState' | 'findTopic'>
  readonly clock: Clock
  readonly log: LogSink
  readonly policy?: Partial<GroupPolicy>
}

export class Groups {
  readonly ownership = new GroupOwnership()
  readonly stored: StoredGroups
  readonly offsets: GroupOffsets
  readonly #gate = new KeyGate()
  readonly #expiry: OffsetExpiry

  private constructor({ engine, clock, log, policy }: GroupsOptions) {
    const { retentionMs, checkIntervalMs, storedGroupsMax } = { ...defaultGroupPolicy, ...policy }
    const gate = this.#gate
    const { ownership } = this
    this.#expiry = new OffsetExpiry({
      engine,
      clock,
      log,
      groups: () => this.stored,
      offsets: () => this.offsets,
      ownership,
      gate,
      retentionMs,
      checkIntervalMs
    })
    this.stored = new StoredGroups({
      engine,
      clock,
      log,
      groupsMax: storedGroupsMax,
      due: (dueMs) => this.#expiry.due(dueMs)
    })
    this.offsets = new GroupOffsets({ engine, clock, log, groups: this.stored, gate, retentionMs })
  }

  /** Reads what is stored of groups. Rejects with StoreError. */
  static async open(options: GroupsOptions): Promise<Groups> {
    const groups = new Groups(options)
    await groups.stored.load()
    return groups
  }

  /**
   * Gives a group settings of its own, or with none takes them away. Resolves when they are as durable as the flush
   * mode has it. Rejects with StoreError (limit-reached where no more groups may be stored).
   */
  configure(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
    return this.#gate.share(name, () => this.stored.configure(name, settings))
  }

  /** Stops the clockwork; the store may be closed then. */
  async close(): Promise<void> {
    await this.#expiry.stop()
    await this.offsets.close()
  }
}
