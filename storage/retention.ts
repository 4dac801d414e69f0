/**
 * Retention: moves log starts past what its topic's policy lets go, then has the segments deleted that hold nothing
 * more. It runs on the clock, and only when there is something to do: some time after an event that may matter, and
 * when the oldest record of some queue has its age. While all is quiet and nothing can expire no timer is set.
 */
import type { Catalog } from './catalog.ts'
import type { Cleaner } from './cleaner.ts'
import type { Change, Commit } from './contract.ts'
import { StoreError } from './errors.ts'
import { type KeepPolicy, type KeepPolicyOf, keepForever } from './keep-policy.ts'
import { runFlags } from './layout/types.ts'
import type { Clock, LogSink, Timer } from './ports.ts'
import type { Queue } from './queue.ts'
import type { QueueSizes } from './queue-sizes.ts'
import type { RunIndex } from './run-index.ts'
import type { RunEntry } from './run-list.ts'
import type { SealedGroup } from './sealed-group.ts'
import type { SegmentDeletion } from './segment-deletion.ts'
import type { StoreSettings } from './settings.ts'

/** Moves in one commit. */
const movesPerCommit = 4096
/**
 * A queue is looked at again only when this share of its retention time (but no longer than that) has passed since its
 * oldest record could go: one move then takes many runs.
 */
const slackShare = 1 / 100
const slackMsMax = 60 * 60_000
/** A timer is not set for longer. */
const timerMsMax = 2 ** 31 - 1

export interface RetentionParts {
  readonly catalog: Catalog
  readonly index: RunIndex
  readonly sizes: QueueSizes
  readonly deletion: SegmentDeletion
  readonly cleaner: Cleaner
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
  #timer: Timer | undefined
  /** The timer fires within the check interval. */
  #isSoon = false
  #running: Promise<void> | undefined
  #isStopped = false
  /** Log starts that move now are its own doing. */
  #isMoving = false
  /** Log starts that were moved. */
  moves = 0

  constructor(parts: RetentionParts) {
    this.#parts = parts
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
    if (this.#isSoon || this.#isStopped) return
    this.#isSoon = true
    this.#arm(this.#parts.settings.retentionCheckIntervalMs)
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
  async run(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    if (this.#isStopped) return
    const running = this.#check().catch((error: Error) => {
      throw error instanceof StoreError ? error : ioFailure(error)
    })
    this.#running = running
      .catch(() => undefined)
      .finally(() => {
        this.#running = undefined
      })
    await running
  }

  /** No check begins any more; resolves when one under way is done. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    while (this.#running !== undefined) await this.#running
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(Math.min(Math.ceil(delayMs), timerMsMax), () => {
      this.#timer = undefined
      this.#isSoon = false
      this.run().catch((error: Error) => {
        this.#parts.logSink('warn', 'retention-failed', { reason: error.message })
        // A store that failed takes no commit any more; one that was busy does later.
        if (error instanceof StoreError && error.code !== 'io-failed') this.soon()
      })
    })
  }

  async #check(): Promise<void> {
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
      if (this.#isStopped) return
      queue.retentionDueMs = dueMs
      nextMs = Math.min(nextMs, dueMs ?? nextMs)
      if (moveTo === undefined) continue
      changes.push({ op: 'move-log-start', queue: queue.uid, offset: moveTo })
      if (changes.length >= movesPerCommit) changes = await this.#move(changes)
    }
    if (changes.length > 0) await this.#move(changes)
    await this.#parts.deletion.run()
    if (!(await this.#parts.cleaner.run())) this.soon()
    if (this.#isSoon || this.#isStopped || nextMs === Number.POSITIVE_INFINITY) return
    this.#arm(Math.max(nextMs - clock.now(), this.#parts.settings.retentionCheckIntervalMs))
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

  /** Where the first run stands that stays, and when it may go. */
  async #scan(
    queue: Queue,
    nowMs: number,
    retentionMs: number,
    sparedBytes: number
  ): Promise<{ end: number; dueMs: number | undefined }> {
    const { logStart, highWatermark } = queue
    const slackMs = Math.min(retentionMs * slackShare, slackMsMax)
    let spared = sparedBytes
    for await (const run of this.#parts.index.runsBetween(queue, logStart, highWatermark)) {
      const expiryMs = bornMs(run) + retentionMs
      const isExpired = expiryMs < nowMs
      if (!isExpired && spared < run.bytes)
        return { end: run.baseOffset, dueMs: expiryMs + slackMs }
      spared -= run.bytes
    }
    return { end: highWatermark, dueMs: undefined }
  }
}

function ioFailure(cause: Error): StoreError {
  return new StoreError('io-failed', `retention failed: ${cause.message}`, {}, { cause })
}

/** A run that the log start is within may be the first that stays. */
function verdict(queue: Queue, end: number, dueMs: number | undefined): Verdict {
  return { moveTo: end > queue.logStart ? end : undefined, dueMs }
}

function isDue({ retentionDueMs, isWatched }: Queue, nowMs: number): boolean {
  return isWatched || retentionDueMs === undefined || retentionDueMs <= nowMs
}

/** What the age of a run counts from, ms since the epoch. */
function bornMs({ flags, appendTimeMs, maxTimestamp }: RunEntry): number {
  if ((flags & runFlags.rocketmq) !== 0 || maxTimestamp < 0) return appendTimeMs
  return Math.min(appendTimeMs, maxTimestamp)
}
