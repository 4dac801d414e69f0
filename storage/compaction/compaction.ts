/**
 * Log compaction: of each key of a compacted topic's queue the newest record stays. This decides when: some time after
 * an event that may matter, and when something will be due; while all is quiet no timer is set. How far each queue is
 * compacted is in LevelDB: what is lost with it is compacted once more, and nothing else depends on it.
 */

import { DueChecks } from '../due-checks.ts'
import type { IndexDb } from '../index-db.ts'
import type { CompactionPolicy, KeepPolicyOf } from '../keep-policy.ts'
import type { Log } from '../log.ts'
import type { Queue } from '../queue.ts'
import type { SealedGroup, Upkeep } from '../sealed-group.ts'
import { StoppedError } from '../segment-rewrite.ts'
import { raiseFloor } from '../snapshot-floor.ts'
import type { Compacted } from './compacted.ts'
import { type LookParts, look } from './look.ts'
import { CompactionPass, type PassedQueue, type PassParts, type PassReport } from './pass.ts'
import type { DueQueue } from './plan.ts'

export interface CompactionParts extends PassParts, LookParts {
  readonly db: IndexDb
  readonly log: Log
  readonly keepPolicyOf: KeepPolicyOf
  readonly sequence: () => number
  /** A group of the store's own; resolves once it is durable. Rejects with StoreError. */
  readonly upkeep: (upkeep: Upkeep) => Promise<void>
}

/** What is known of a compacted queue. */
interface State {
  readonly queue: Queue
  policy: CompactionPolicy
  /** Undefined before LevelDB was asked. */
  compacted: Compacted | undefined
  /** When it is to be looked at; undefined: at the next check; Infinity: when something was appended. */
  dueMs: number | undefined
  /** Something happened since it was looked at. */
  isTouched: boolean
  isUncleanable: boolean
}

const nothingYet: Compacted = { cleanEnd: 0, horizonMs: null, hasTransactions: false }

export class Compaction {
  readonly #parts: CompactionParts
  readonly #checks: DueChecks
  readonly #states = new Map<Queue, State>()
  readonly counts = { passes: 0, segments: 0, bytes: 0, records: 0 }

  constructor(parts: CompactionParts) {
    this.#parts = parts
    const { clock, logSink, settings } = parts
    this.#checks = new DueChecks({
      clock,
      logSink,
      intervalMs: settings.retentionCheckIntervalMs,
      check: () => this.#check(),
      failure: 'compaction-failed'
    })
  }

  /** Queues that cannot be compacted, because they or their segments are damaged. */
  get uncleanable(): number {
    let count = 0
    for (const { isUncleanable } of this.#states.values()) if (isUncleanable) count++
    return count
  }

  /** The store is open. */
  start(): void {
    for (const queue of this.#parts.catalog.queues.values()) this.#meet(queue)
  }

  /** A group became durable, and the catalog has it. */
  noteDurable(group: SealedGroup): void {
    const { catalog } = this.#parts
    for (const { op, topic } of group.topicChanges)
      for (const uid of topic.queues) {
        const queue = catalog.queues.get(uid)
        if (op === 'put' && queue !== undefined) this.#meet(queue)
      }
    if (this.#states.size === 0) return
    for (const { queue } of group.runs) {
      const state = this.#states.get(queue)
      if (state?.dueMs === Number.POSITIVE_INFINITY) this.#lookSoon(state)
      else if (state !== undefined) state.isTouched = true
    }
    for (const { op } of group.topicChanges)
      if (op === 'drop')
        for (const queue of this.#states.keys()) if (queue.gone) this.#states.delete(queue)
  }

  /** A segment was sealed: what is in it may be compacted. */
  noteSealed(): void {
    for (const state of this.#states.values()) this.#lookSoon(state)
  }

  #lookSoon(state: State): void {
    if (state.isUncleanable) return
    state.isTouched = true
    state.dueMs = undefined
    this.#checks.soon()
  }

  #meet(queue: Queue): void {
    const { catalog, keepPolicyOf } = this.#parts
    const topic = catalog.topics.find({ id: queue.topicId })
    const policy = topic && keepPolicyOf(topic).compaction
    const known = this.#states.get(queue)
    if (policy === undefined) {
      this.#states.delete(queue)
      return
    }
    if (known !== undefined) known.policy = policy
    else
      this.#states.set(queue, {
        queue,
        policy,
        compacted: undefined,
        dueMs: Number.POSITIVE_INFINITY,
        isTouched: false,
        isUncleanable: false
      })
    const state = this.#states.get(queue) as State
    if (queue.highWatermark > queue.logStart) this.#lookSoon(state)
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
    for (let round = 0; ; round++) {
      // One seal a check: what is written on and on would be sealed on and on.
      const { due, needsSeal, nextMs } = await this.#lookAtAll(round === 0)
      if (due.length === 0 || this.#checks.isStopped) return nextMs
      try {
        if (!(await this.#free(needsSeal))) {
          this.#checks.soon()
          return nextMs
        }
        await this.#pass(due)
      } catch (error) {
        if (error instanceof StoppedError) return Number.POSITIVE_INFINITY
        throw error
      }
    }
  }

  async #lookAtAll(
    maySeal: boolean
  ): Promise<{ due: DueQueue[]; needsSeal: boolean; nextMs: number }> {
    const { clock, log } = this.#parts
    const due: DueQueue[] = []
    let needsSeal = false
    let nextMs = Number.POSITIVE_INFINITY
    for (const state of [...this.#states.values()]) {
      const { queue, policy } = state
      const nowMs = clock.now()
      if (queue.gone || state.isUncleanable) continue
      if (state.dueMs !== undefined && state.dueMs > nowMs) {
        nextMs = Math.min(nextMs, state.dueMs)
        continue
      }
      const { cleanEnd, horizonMs: horizon, hasTransactions } = await this.#compactedOf(state)
      const horizonMs = horizon ?? Number.POSITIVE_INFINITY
      const openSegment = log.segment.id
      const looked = { queue, policy, cleanEnd, horizonMs, openSegment, nowMs }
      state.isTouched = false
      const verdict = await look(this.#parts, looked)
      if (verdict.due?.needsSeal && !maySeal) this.#lookSoon(state)
      else if (verdict.due !== undefined) {
        needsSeal ||= verdict.due.needsSeal
        due.push({ queue, policy, cleanEnd, limit: verdict.due.limit, hasTransactions })
      } else if (this.#waitUntil(state, verdict.nextMs)) nextMs = Math.min(nextMs, verdict.nextMs)
    }
    return { due, needsSeal, nextMs }
  }

  /** False if something happened meanwhile: it is looked at again soon. */
  #waitUntil(state: State, dueMs: number): boolean {
    if (state.isTouched) this.#lookSoon(state)
    else state.dueMs = dueMs
    return !state.isTouched
  }

  async #compactedOf(state: State): Promise<Compacted> {
    const known = state.compacted ?? (await this.#parts.db.compacted(state.queue.uid)) ?? nothingYet
    state.compacted = { ...known, cleanEnd: Math.min(known.cleanEnd, state.queue.highWatermark) }
    return state.compacted
  }

  /** All that is sealed, after sealing the open segment if need be, may be rewritten; false if not. */
  async #free(needsSeal: boolean): Promise<boolean> {
    const { catalog, upkeep } = this.#parts
    if (needsSeal) await upkeep({ dropSegments: [], roll: true })
    let sequence = -1
    for (const { lastSequence } of catalog.segments.values())
      sequence = Math.max(sequence, lastSequence)
    return await raiseFloor(this.#parts, sequence)
  }

  async #pass(due: readonly DueQueue[]): Promise<void> {
    const { clock, logSink } = this.#parts
    const startedMs = clock.monotonicMs()
    const report = await new CompactionPass(this.#parts, due).run(due)
    const hasProgress = report.queues.some(({ cleanEnd }) => cleanEnd !== undefined)
    for (const passed of report.queues) await this.#note(passed, hasProgress)
    this.#count(report)
    const { segments, bytesBefore, bytesAfter, removed } = report
    logSink('info', 'compacted', {
      queues: due.length,
      segments,
      bytesBefore,
      bytesAfter,
      removed,
      tookMs: Math.round(clock.monotonicMs() - startedMs)
    })
  }

  #count({ segments, bytesBefore, bytesAfter, removed }: PassReport): void {
    this.counts.passes++
    this.counts.segments += segments
    this.counts.bytes += bytesBefore - bytesAfter
    this.counts.records += removed
  }

  async #note(passed: PassedQueue, hasProgress: boolean): Promise<void> {
    const { due, cleanEnd, horizonMs, hasTransactions } = passed
    const state = this.#states.get(due.queue)
    if (state === undefined || due.queue.gone) return
    state.isUncleanable = passed.isUncleanable
    if (cleanEnd === undefined) {
      // The others left no room for its keys, or what stopped it passes.
      if (passed.isInterrupted) this.#lookSoon(state)
      else if (!hasProgress) this.#waitUntil(state, Number.POSITIVE_INFINITY)
      return
    }
    const before = state.compacted ?? nothingYet
    const after = {
      cleanEnd: Math.max(before.cleanEnd, cleanEnd),
      horizonMs: Number.isFinite(horizonMs) ? horizonMs : null,
      hasTransactions: before.hasTransactions || hasTransactions
    }
    state.compacted = after
    await this.#parts.db.putCompacted(due.queue.uid, after)
    const hasMoved = after.cleanEnd > before.cleanEnd || after.horizonMs !== before.horizonMs
    // Nothing came of it: nothing would at once.
    if (!hasMoved) this.#waitUntil(state, Number.POSITIVE_INFINITY)
  }
}
