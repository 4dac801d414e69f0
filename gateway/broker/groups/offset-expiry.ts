import type { Engine } from '../../../storage/contract.ts'
import type { Clock, LogSink, Timer } from '../../../storage/ports.ts'
import type { CommittedOffsetRow } from '../../../storage/state/rows.ts'
import { deletion, type GroupOffsets, groupDeletion } from './group-offsets.ts'
import type { KeyGate } from './key-gate.ts'
import type { GroupOwnership, LiveGroup } from './ownership.ts'
import { isConfigured, type StoredGroup, type StoredGroups } from './stored-groups.ts'

/** Timers cannot be longer than 2^31 ms; looking once a day costs nothing. */
const timerMaxMs = 86_400_000

export interface OffsetExpiryOptions {
  readonly engine: Pick<Engine, 'commit' | 'findTopic'>
  readonly clock: Clock
  readonly log: LogSink
  readonly groups: () => StoredGroups
  readonly offsets: () => GroupOffsets
  readonly ownership: GroupOwnership
  readonly gate: KeyGate
  readonly retentionMs: number
  readonly checkIntervalMs: number
}

/**
 * Forgets committed offsets (KIP-211): all of a group that has been without members for the retention time; those of
 * a group that never had members, and those of topics that its members do not read, the retention time after they
 * were committed. A group without members and offsets goes, too. What RocketMQ's clients and tools made a subscription
 * group keeps all that it has until it is deleted, as it does in RocketMQ. A timer runs only while a group is stored.
 */
export class OffsetExpiry {
  readonly #options: OffsetExpiryOptions
  #timer: Timer | null = null
  #firesAtMs = 0
  #checking: Promise<void> | null = null
  #stopped = false

  constructor(options: OffsetExpiryOptions) {
    this.#options = options
  }

  /** Something may expire from `dueMs` on. */
  due(dueMs: number): void {
    if (this.#stopped || this.#checking !== null) return
    const { clock, checkIntervalMs } = this.#options
    const nowMs = clock.now()
    const delayMs = Math.min(Math.max(dueMs - nowMs, checkIntervalMs), timerMaxMs)
    if (this.#timer !== null && this.#firesAtMs <= nowMs + delayMs) return
    this.#timer?.cancel()
    this.#firesAtMs = nowMs + delayMs
    this.#timer = clock.after(delayMs, () => {
      this.#timer = null
      void this.check()
    })
  }

  /** Looks at every group whose time has come. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null
      this.#schedule()
    })
    return this.#checking
  }

  /** Resolves when no check is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = null
    await this.#checking
  }

  #schedule(): void {
    let dueMs = Number.POSITIVE_INFINITY
    for (const [, group] of this.#options.groups().entries()) dueMs = Math.min(dueMs, group.dueMs)
    if (dueMs < Number.POSITIVE_INFINITY) this.due(dueMs)
  }

  async #check(): Promise<void> {
    const { clock, groups, gate, log } = this.#options
    for (const [name, group] of [...groups().entries()]) {
      if (this.#stopped) return
      groups().write(name)
      if (isConfigured(group.row)) group.dueMs = Number.POSITIVE_INFINITY
      if (group.dueMs > clock.now()) continue
      try {
        await gate.exclude(name, () => this.#expire(name, group))
      } catch (error) {
        log('warn', 'group-expiry-failed', { group: name, reason: String(error) })
      }
    }
  }

  async #expire(name: string, group: StoredGroup): Promise<void> {
    const { engine, clock, groups, offsets, ownership, log } = this.#options
    const nowMs = clock.now()
    const rows = await offsets().fetchAll(name)
    const ends = await this.#ends(group, rows, nowMs, ownership.find(name))
    const expired = rows.filter((_, index) => (ends[index] ?? nowMs) <= nowMs)
    const isGone = expired.length === rows.length && ownership.find(name) === undefined
    if (groups().get(name) !== group) return
    if (isGone) {
      await engine.commit({ changes: groupDeletion(name, rows) })
      groups().forget(name, ownership.find(name) !== undefined)
    } else if (expired.length > 0) {
      const changes = expired.map(({ topicId, queue }) => deletion(name, topicId, queue))
      await engine.commit({ changes })
    }
    if (expired.length > 0) {
      log('info', 'group-offsets-expired', { group: name, offsets: expired.length, gone: isGone })
    }
    group.dueMs = ends
      .filter((end) => end > nowMs)
      .reduce((first, end) => Math.min(first, end), nowMs + this.#options.retentionMs)
  }

  /** When each of the rows expires, ms. */
  async #ends(
    group: StoredGroup,
    rows: readonly CommittedOffsetRow[],
    nowMs: number,
    live: LiveGroup | undefined
  ): Promise<number[]> {
    const { engine, retentionMs } = this.#options
    const { protocolType, emptySinceMs } = group.row
    const ends: number[] = []
    for (const { topicId, commitTimeMs } of rows) {
      if (live !== undefined) {
        const topic = await engine.findTopic({ id: topicId })
        const isRead = topic === undefined || live.reads(topic.names.kafka)
        ends.push((isRead ? nowMs : commitTimeMs) + retentionMs)
      } else {
        const fromMs = protocolType !== '' && emptySinceMs >= 0 ? emptySinceMs : commitTimeMs
        ends.push(fromMs + retentionMs)
      }
    }
    return ends
  }
}
