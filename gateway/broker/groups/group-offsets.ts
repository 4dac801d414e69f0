import type { Change, Engine, TopicId } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import type { Clock, LogSink } from '../../../storage/ports.ts'
import { type CommittedOffsetRow, stateKeys } from '../../../storage/state/rows.ts'
import type { KeyGate } from './key-gate.ts'
import { PassingOffsets } from './passing-offsets.ts'
import { StoredGroups } from './stored-groups.ts'

/** One committed offset, as a client gives it. */
export interface OffsetEntry {
  readonly topicId: TopicId
  /** Queue number within the topic; the caller has checked that it exists. */
  readonly queue: number
  readonly offset: number
  /** -1: not known. */
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface QueueKey {
  readonly topicId: TopicId
  readonly queue: number
}

/** More queues than this are looked up by reading all that the group has. */
const singleReadsMax = 16

export interface GroupOffsetsOptions {
  readonly engine: Pick<Engine, 'commit' | 'readState' | 'scanState'>
  readonly clock: Clock
  readonly log: LogSink
  readonly groups: StoredGroups
  readonly gate: KeyGate
  readonly retentionMs: number
}

/**
 * Where groups are: one table for both protocols, keyed by group, topic id and queue. Groups are named as Kafka
 * clients say them. Every method rejects with StoreError for what the store refuses.
 */
export class GroupOffsets {
  readonly #engine: Pick<Engine, 'commit' | 'readState' | 'scanState'>
  readonly #clock: Clock
  readonly #groups: StoredGroups
  readonly #gate: KeyGate
  readonly #retentionMs: number
  readonly #passing: PassingOffsets

  constructor({ engine, clock, log, groups, gate, retentionMs }: GroupOffsetsOptions) {
    this.#engine = engine
    this.#clock = clock
    this.#groups = groups
    this.#gate = gate
    this.#retentionMs = retentionMs
    this.#passing = new PassingOffsets({
      clock,
      log,
      commit: (group, entries) => gate.share(group, () => this.#commit(group, entries))
    })
  }

  /**
   * Stores offsets together, in one engine commit: all that were stored are durable as the flush mode has it. Resolves
   * with the ids of topics that are gone; their offsets were not stored, the others were.
   */
  commit(group: string, entries: readonly OffsetEntry[]): Promise<ReadonlySet<TopicId>> {
    this.#passing.forget(group, entries)
    return this.#gate.share(group, () => this.#commit(group, entries))
  }

  /** Stores an offset that nobody waits for, soon: unless something else is stored or deleted there before. */
  commitSoon(group: string, entry: OffsetEntry): void {
    this.#passing.note(group, entry)
    const key = stateKeys.committedOffset(group, entry.topicId, entry.queue)
    // Consumers that have nothing to do say the same place again and again.
    const isStored = (stored: { row: CommittedOffsetRow } | undefined): void => {
      if (stored?.row.offset === entry.offset) this.#passing.unsay(group, entry)
    }
    this.#engine.readState(key).then(isStored, () => undefined)
  }

  /** What was last committed for each queue asked for, undefined where nothing was. */
  async fetch(
    group: string,
    queues: readonly QueueKey[]
  ): Promise<(CommittedOffsetRow | undefined)[]> {
    await this.#passing.flush(group)
    if (queues.length > singleReadsMax) {
      const rows = new Map<string, CommittedOffsetRow>()
      for (const row of await this.fetchAll(group)) rows.set(`${row.topicId} ${row.queue}`, row)
      return queues.map(({ topicId, queue }) => rows.get(`${topicId} ${queue}`))
    }
    return await Promise.all(
      queues.map(async ({ topicId, queue }) => {
        const key = stateKeys.committedOffset(group, topicId, queue)
        return (await this.#engine.readState(key, { settled: true }))?.row
      })
    )
  }

  /** All that the group has committed. */
  async fetchAll(group: string): Promise<readonly CommittedOffsetRow[]> {
    await this.#passing.flush(group)
    return await this.#engine.scanState('committed-offset', group)
  }

  /** Forgets what the group has committed for these queues. */
  deleteOffsets(group: string, queues: readonly QueueKey[]): Promise<void> {
    this.#passing.forget(group, queues)
    return this.#gate.exclude(group, async () => {
      if (queues.length === 0) return
      const changes = queues.map(({ topicId, queue }) => deletion(group, topicId, queue))
      await this.#engine.commit({ changes })
    })
  }

  /** Forgets the group; false if it is not stored, or if `mayDelete` then says no. */
  deleteGroup(group: string, mayDelete: () => boolean): Promise<boolean> {
    return this.#gate.exclude(group, async () => {
      const rows = await this.#engine.scanState('committed-offset', group)
      if (!this.#groups.has(group) || !mayDelete()) return false
      this.#passing.forget(group)
      await this.#engine.commit({ changes: groupDeletion(group, rows) })
      this.#groups.forget(group, !mayDelete())
      return true
    })
  }

  /** Commits what is left to be committed soon. */
  close(): Promise<void> {
    return this.#passing.close()
  }

  async #commit(group: string, entries: readonly OffsetEntry[]): Promise<ReadonlySet<TopicId>> {
    const gone = new Set<TopicId>()
    let left = entries
    const stored = this.#groups.ensure(group)
    stored.committing++
    try {
      while (left.length > 0) {
        const failed = await this.#tryCommit(group, left)
        if (failed === null) break
        gone.add(failed)
        left = left.filter(({ topicId }) => topicId !== failed)
      }
      const nowMs = this.#clock.now()
      if (left.length > 0) this.#groups.setDue(stored, nowMs + this.#retentionMs)
    } finally {
      stored.committing--
      this.#groups.dropUnstored(group)
    }
    return gone
  }

  /** One attempt: null if all is stored, or the topic that is gone. */
  async #tryCommit(group: string, entries: readonly OffsetEntry[]): Promise<TopicId | null> {
    const topicIds = [...new Set(entries.map(({ topicId }) => topicId))]
    const commitTimeMs = this.#clock.now()
    const stored = this.#groups.ensure(group)
    const { row } = stored
    const changes: Change[] = this.#groups.pendingChange(stored)
    for (const entry of entries) {
      const offsetRow: CommittedOffsetRow = { group, ...entry, commitTimeMs }
      changes.push({ op: 'put', row: { family: 'committed-offset', row: offsetRow } })
    }
    try {
      const conditions = topicIds.map((id) => ({ is: 'topic', id }) as const)
      await this.#engine.commit({ changes, conditions })
      stored.storedRow = row
      return null
    } catch (error) {
      const failed = error instanceof StoreError && error.code === 'condition-failed'
      const topicId = failed ? topicIds[Number(error.detail.condition)] : undefined
      if (topicId === undefined) throw error
      return topicId
    }
  }
}

export function deletion(group: string, topicId: TopicId, queue: number): Change {
  return { op: 'delete', key: stateKeys.committedOffset(group, topicId, queue) }
}

/** Everything that is stored of a group. */
export function groupDeletion(group: string, rows: readonly CommittedOffsetRow[]): Change[] {
  const changes = rows.map(({ topicId, queue }) => deletion(group, topicId, queue))
  changes.push({ op: 'delete', key: StoredGroups.keyOf(group) })
  return changes
}
