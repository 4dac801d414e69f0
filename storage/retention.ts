/**
 * Retention: moves log starts past what its topic's policy lets go, then has the segments deleted that hold nothing
 * more. It runs on the clock, and only when there is something to do: some time after an event that may matter, and
 * when the oldest record of some queue has its age. While all is quiet and nothing can expire no timer is set.
 */
import type { Catalog } from './catalog.ts'
import type { Cleaner } from './cleaner.ts'
import type { Change, Commit } from './contract.ts'
import { DueChecks } from './due-checks.ts'
import { StoreError } from './errors.ts'
import { type KeepPolicy, type KeepPolicyOf, keepForever } from './keep-policy.ts'
import type { Clock, LogSink } from './ports.ts'
import type { Queue } from './queue.ts'
import type { QueueSizes } from './queue-sizes.ts'
import type { RunIndex } from './run-index.ts'
import { bornMs } from './run-list.ts'
import type { SealedGroup } from './sealed-group.ts'
import type { SegmentDeletion } from './segment-deletion.ts'
import type { StoreSettings } from './settings.ts'
import type { Turns } from './turns.ts'

/** Moves in one commit. */
const movesPerCommit = 4096
/**
 * A queue is looked at again only when this share of its retention time (but no longer than that) has passed since its
 * oldest record could go: one move then takes many runs.
 */
const slackShare = 1 / 100
const slackMsMax = 60 * 60_000

export interface RetentionParts {
  readonly catalog: Catalog
  readonly index: RunIndex
  readonly sizes: QueueSizes
  readonly deletion: SegmentDeletion
  readonly cleaner: Cleaner
  /** Whoever changes the live set of segments has it to itself. */
  readonly turns: Turns
  readonly clock: Clock
  readonly settings: StoreSettings
  readonly keepPolicyOf: KeepPolicyOf
  readonly logSink: LogSink
  readonly commit: (commit: Commit) => Promise<unknown>
  readonly settle: () => Promise<void>
}

/** What a look at a queue found. */
interface Verdict {
  /** Undefined: it stays. */
  readonly moveTo: number | undefined
  /** Wall clock; Infinity: nothing will expire of itself. Undefined: there is nothing in it. */
  readonly dueMs: number | undefined
}

export class Retention {
  readonly #parts: RetentionParts
  readonly #checks: DueChecks
  /** Log starts that move now are its own doing. */
  #isMoving = false
  /** Log starts that were moved. */
  moves = 0

  constructor(parts: RetentionParts) {
    this.#parts = parts
    const { clock, logSink, settings } = parts
    this.#checks = new DueChecks({
      clock,
      logSink,
      intervalMs: settings.retentionCheckIntervalMs,
      check: () => this.#check(),
      failure: 'retention-failed'
    })
  }

  /** The store is open: what may go meanwhile goes at the first check. */
  start(): void {
    const { queues, segments } = this.#parts.catalog
    for (const queue of queues.values()) this.#meet(queue)
    // A deletion may have been cut off.
    if (segments.size > 1) this.soon()
  }

  /** Something happened that may let records or segments go: there is a check within the interval. */
  soon(): void {
    this.#checks.soon()
  }

  /** A group became durable, and the catalog has it. */
  noteDurable(group: SealedGroup): void {
    const { queues } = this.#parts.catalog
    for (const { queue } of group.runs)
      if (queue.retentionDueMs === undefined || queue.isWatched) this.#meet(queue)
    for (const { op, topic } of group.topicChanges) {
      if (op === 'drop') this.soon()
      for (const uid of topic.queues) {
        const queue = queues.get(uid)
        if (queue !== undefined) this.#meet(queue)
      }
    }
    for (const { key } of group.stateChanges) {
      if (key.family === 'log-start' && !this.#isMoving) this.soon()
      if (key.family === 'timer' && queues.get(Number(key.bucket))?.isWatched) this.soon()
    }
  }

  /** A queue has records that nothing is known of, or another policy. */
  #meet(queue: Queue): void {
    const { retentionMs, retentionBytes, untilSettled } = this.#policyOf(queue)
    queue.isWatched = untilSettled || Number.isFinite(retentionBytes)
    const mayGo = queue.isWatched || Number.isFinite(retentionMs)
    queue.retentionDueMs = mayGo ? undefined : Number.POSITIVE_INFINITY
    if (mayGo && queue.highWatermark > queue.logStart) this.soon()
  }

  #policyOf(queue: Queue): KeepPolicy {
    const topic = this.#parts.catalog.topics.find({ id: queue.topicId })
    return topic === undefined ? keepForever : this.#parts.keepPolicyOf(topic)
  }

  /** Does now what the next check would do. Rejects with StoreError. */
  run(): Promise<void> {
    return this.#checks.run()
  }

  /** No check begins any more; resolves when one under way is done. */
  stop(): Promise<void> {
    return this.#checks.stop()
  }

  async #check(): Promise<number> {
    const { catalog, clock } = this.#parts
    let nextMs = Number.POSITIVE_INFINITY
    let changes: Change[] = []
    for (const queue of [...catalog.queues.values()]) {
      const nowMs = clock.now()
      if (!isDue(queue, nowMs)) {
        nextMs = Math.min(nextMs, queue.retentionDueMs as number)
        continue
      }
      const { moveTo, dueMs } = await this.#look(queue, nowMs)
      if (this.#checks.isStopped) return nextMs
      queue.retentionDueMs = dueMs
      nextMs = Math.min(nextMs, dueMs ?? nextMs)
      if (moveTo === undefined) continue
      changes.push({ op: 'move-log-start', queue: queue.uid, offset: moveTo })
      if (changes.length >= movesPerCommit) changes = await this.#move(changes)
    }
    if (changes.length > 0) await this.#move(changes)
    await this.#parts.turns.run(async () => {
      await this.#parts.deletion.run()
      if (!(await this.#parts.cleaner.run())) this.soon()
    })
    return nextMs
  }

  async #move(changes: readonly Change[]): Promise<Change[]> {
    // Topics deleted meanwhile took their queues along.
    const { queues } = this.#parts.catalog
    const left = changes.filter((one) => one.op === 'move-log-start' && queues.has(one.queue))
    this.#isMoving = true
    try {
      await this.#parts.commit({ changes: left })
      await this.#parts.settle()
      this.moves += left.length
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'queue-gone') throw error
      this.soon()
    } finally {
      this.#isMoving = false
    }
    return []
  }

  async #look(queue: Queue, nowMs: number): Promise<Verdict> {
    const { retentionMs, retentionBytes, untilSettled } = this.#policyOf(queue)
    queue.isWatched = untilSettled || Number.isFinite(retentionBytes)
    const { logStart, highWatermark } = queue
    const firstNeeded = this.#parts.catalog.state.timers.firstNeeded(queue.uid)
    if (logStart >= highWatermark) return { moveTo: undefined, dueMs: undefined }
    if (untilSettled)
      return verdict(queue, Math.min(firstNeeded, highWatermark), Number.POSITIVE_INFINITY)
    const sparedBytes = Number.isFinite(retentionBytes)
      ? (await this.#parts.sizes.of(queue)) - retentionBytes
      : 0
    if (!Number.isFinite(retentionMs) && sparedBytes <= 0)
      return { moveTo: undefined, dueMs: Number.POSITIVE_INFINITY }
    const { end, dueMs } = await this.#scan(queue, nowMs, retentionMs, sparedBytes)
    return verdict(queue, Math.min(end, firstNeeded), dueMs)
  }

  /**
   * Where the last run ends that goes, and when the next may. Offsets behind it that no run has may be lost to damage,
   * and come back with a segment of a backup.
   */
  async #scan(
    queue: Queue,
    nowMs: number,
    retentionMs: number,
    sparedBytes: number
  ): Promise<{ end: number; dueMs: number | undefined }> {
    const { logStart, highWatermark } = queue
    const slackMs = Math.min(retentionMs * slackShare, slackMsMax)
    let spared = sparedBytes
    let end = logStart
    for await (const run of this.#parts.index.runsBetween(queue, logStart, highWatermark)) {
      const expiryMs = bornMs(run) + retentionMs
      const isExpired = expiryMs < nowMs
      if (!isExpired && spared < run.bytes) return { end, dueMs: expiryMs + slackMs }
      spared -= run.bytes
      end = run.nextOffset
    }
    return { end: highWatermark, dueMs: undefined }
  }
}

function verdict(queue: Queue, end: number, dueMs: number | undefined): Verdict {
  return { moveTo: end > queue.logStart ? end : undefined, dueMs }
}

function isDue({ retentionDueMs, isWatched }: Queue, nowMs: number): boolean {
  return isWatched || retentionDueMs === undefined || retentionDueMs <= nowMs
}
