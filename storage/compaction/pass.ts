/**
 * One pass of compaction: the newest offset of each key in what is dirty of the queues that are due, then all segments
 * with records of these queues up to there, the oldest first, each rewritten once, if there is something in it that
 * goes. What a tombstone stands for is gone before the tombstone is: a queue that meets a segment which cannot be
 * rewritten has no part in the segments behind it.
 */
import type { Catalog } from '../catalog.ts'
import type { Checkpointer } from '../checkpoint.ts'
import type { QueueUid } from '../contract.ts'
import { StoreError } from '../errors.ts'
import type { IndexDb } from '../index-db.ts'
import type { Clock, LogSink } from '../ports.ts'
import type { Reader } from '../reader.ts'
import { DamagedError, type SegmentRewriter } from '../segment-rewrite.ts'
import { type SegmentUsage, usageOf } from '../segment-usage.ts'
import type { StoreSettings } from '../settings.ts'
import type { SegmentRow } from '../state/stored-rows.ts'
import type { Turns } from '../turns.ts'
import { UncleanableError, uncleanable } from './errors.ts'
import { KeyMap } from './key-map.ts'
import { batchesFrom, type DueQueue, planQueue, type QueuePlan } from './plan.ts'
import { QueueFilter } from './queue-filter.ts'
import { runFilterOf } from './run-filter.ts'

export interface PassParts {
  readonly catalog: Catalog
  readonly db: IndexDb
  readonly usage: SegmentUsage
  readonly checkpointer: Checkpointer
  readonly reader: Reader
  readonly rewriter: SegmentRewriter
  /** Whoever changes the live set of segments has it to itself. */
  readonly turns: Turns
  readonly settings: StoreSettings
  readonly clock: Clock
  readonly logSink: LogSink
}

/** What became of a queue. */
export interface PassedQueue {
  readonly due: DueQueue
  /** Every record before it had its turn; undefined where the pass came to nothing. */
  readonly cleanEnd: number | undefined
  /** When something that stays for a while may go, ms; Infinity for never. */
  readonly horizonMs: number
  readonly hasTransactions: boolean
  /** It cannot be compacted. */
  readonly isUncleanable: boolean
  /** Its log start moved meanwhile, for instance. */
  readonly isInterrupted: boolean
}

export interface PassReport {
  readonly queues: readonly PassedQueue[]
  readonly segments: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly removed: number
}

/** A queue while its segments are rewritten. */
interface Work {
  readonly plan: QueuePlan
  horizonMs: number
}

/** A queue's part of a segment. */
interface Part {
  readonly work: Work
  readonly from: number
  readonly to: number
}

export class CompactionPass {
  readonly #parts: PassParts
  readonly #newest: KeyMap
  readonly #nowMs: number
  readonly #works = new Map<QueueUid, Work>()
  readonly #uncleanable = new Set<QueueUid>()
  readonly #interrupted = new Set<QueueUid>()
  #segments = 0
  #bytesBefore = 0
  #bytesAfter = 0
  #removed = 0

  constructor(parts: PassParts, due: readonly DueQueue[]) {
    this.#parts = parts
    this.#nowMs = parts.clock.now()
    const wanted = due.reduce((sum, { cleanEnd, limit }) => sum + Math.max(0, limit - cleanEnd), 0)
    this.#newest = new KeyMap(wanted, parts.settings.compactionMapBytesMax)
  }

  /** Segments that hold what is due must be sealed, and free. Rejects with StoppedError, and StoreError of commits. */
  async run(due: readonly DueQueue[]): Promise<PassReport> {
    const { reader, rewriter, turns } = this.#parts
    for (const one of due) {
      const parts = { reader, pace: rewriter.pace }
      const plan = await this.#guard([one.queue.uid], () => planQueue(parts, one, this.#newest))
      if (plan !== undefined)
        this.#works.set(one.queue.uid, { plan, horizonMs: Number.POSITIVE_INFINITY })
    }
    let through = -1
    for (;;) {
      // Others have their turn between two segments, and may make one of several or delete some.
      const row = await turns.run(async () => {
        const next = this.#works.size === 0 ? undefined : await this.#nextSegment(through)
        if (next !== undefined) await this.#compact(next.row, next.parts)
        return next?.row
      })
      if (row === undefined) break
      through = row.lastSequence
    }
    return {
      queues: due.map((one) => this.#passed(one)),
      segments: this.#segments,
      bytesBefore: this.#bytesBefore,
      bytesAfter: this.#bytesAfter,
      removed: this.#removed
    }
  }

  #passed(due: DueQueue): PassedQueue {
    const { uid } = due.queue
    const work = this.#works.get(uid)
    return {
      due,
      cleanEnd: work?.plan.to,
      horizonMs: work?.horizonMs ?? Number.POSITIVE_INFINITY,
      hasTransactions: work?.plan.transactions !== undefined,
      isUncleanable: this.#uncleanable.has(uid),
      isInterrupted: this.#interrupted.has(uid)
    }
  }

  /** The next segment of the log with records that are to be looked at. */
  async #nextSegment(through: number): Promise<{ row: SegmentRow; parts: Part[] } | undefined> {
    const { catalog, checkpointer } = this.#parts
    const rows = [...catalog.segments.values()]
      .filter(
        ({ lastSequence }) => lastSequence > through && lastSequence <= checkpointer.snapshotFloor
      )
      .sort((a, b) => a.firstSequence - b.firstSequence)
    for (const row of rows) {
      const parts = await this.#partsOf(row.id)
      if (parts.length > 0) return { row, parts }
    }
    return undefined
  }

  async #partsOf(segment: number): Promise<Part[]> {
    const usage = await usageOf(segment, this.#parts)
    // Of a segment that nothing is known of anything may be in it.
    if (usage === undefined) return [...this.#works.values()].map((work) => partOf(work))
    const parts: Part[] = []
    for (const { queue: uid, firstOffset, nextOffset } of usage) {
      const work = this.#works.get(uid)
      if (work === undefined) continue
      const part = partOf(work, firstOffset, nextOffset)
      if (part.from < part.to) parts.push(part)
    }
    return parts
  }

  async #compact(row: SegmentRow, all: readonly Part[]): Promise<void> {
    let parts = all
    while (parts.length > 0) {
      const uids = parts.map(({ work }) => work.plan.queue.uid)
      await this.#guard(uids, () => this.#rewrite(row, parts))
      // Without those that failed it may be done yet.
      const left = parts.filter(({ work }) => this.#works.has(work.plan.queue.uid))
      if (left.length === parts.length) return
      parts = left
    }
  }

  async #rewrite(row: SegmentRow, parts: readonly Part[]): Promise<void> {
    let hasWork = false
    const horizons = new Map<Work, number>()
    for (const part of parts) {
      const filter = this.#filterOf(part.work)
      if (await this.#changes(part, filter)) hasWork = true
      else horizons.set(part.work, filter.horizonMs)
    }
    if (hasWork) {
      const filters = new Map(
        parts.map(({ work }) => {
          const { queue, to } = work.plan
          return [queue.uid, { filter: this.#filterOf(work), to }] as const
        })
      )
      const { rewriter } = this.#parts
      const made = await rewriter.rewrite([row], runFilterOf(filters, rewriter.pace))
      this.#segments++
      this.#bytesBefore += row.dataBytes
      this.#bytesAfter += made?.dataBytes ?? 0
      for (const { work, to } of parts) {
        const { queue } = work.plan
        const { filter } = filters.get(queue.uid) ?? {}
        this.#removed += filter?.removed ?? 0
        horizons.set(work, filter?.horizonMs ?? Number.POSITIVE_INFINITY)
        queue.tail.dropBefore(to)
      }
    }
    for (const [work, ms] of horizons) work.horizonMs = Math.min(work.horizonMs, ms)
  }

  /** Whether anything of a part would go or change. */
  async #changes({ work, from, to }: Part, filter: QueueFilter): Promise<boolean> {
    const { reader, rewriter } = this.#parts
    const { queue } = work.plan
    return await uncleanable(queue.uid, async () => {
      for await (const batch of batchesFrom({ reader, pace: rewriter.pace }, queue, from, to))
        if ((await filter.apply(batch)) !== batch) return true
      return false
    })
  }

  #filterOf({ plan }: Work): QueueFilter {
    const { queue, to, transactions, policy } = plan
    const { tombstoneMs } = policy
    return new QueueFilter({
      queue,
      newest: this.#newest,
      to,
      transactions,
      tombstoneMs,
      nowMs: this.#nowMs
    })
  }

  /** What goes wrong with a queue ends that queue's part in the pass; undefined then. */
  async #guard<T>(uids: readonly QueueUid[], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      const failed = failedOf(error, uids)
      if (failed === undefined) throw error
      for (const uid of failed) {
        this.#works.delete(uid)
        if (error instanceof StoreError) {
          this.#interrupted.add(uid)
          continue
        }
        this.#uncleanable.add(uid)
        const reason = (error as Error).message
        this.#parts.logSink('warn', 'queue-not-compacted', { queue: uid, reason })
      }
      return undefined
    }
  }
}

function partOf(work: Work, firstOffset = 0, nextOffset = Number.POSITIVE_INFINITY): Part {
  const { queue, to } = work.plan
  return { work, from: Math.max(firstOffset, queue.logStart), to: Math.min(nextOffset, to) }
}

/** Codes of a read that the queue's own fate explains: it is looked at again. */
const passing: ReadonlySet<string> = new Set(['queue-gone', 'offset-out-of-range'])

/** Whose part ends; undefined where the whole pass does. */
function failedOf(error: unknown, uids: readonly QueueUid[]): readonly QueueUid[] | undefined {
  if (error instanceof UncleanableError) return [error.queue]
  if (error instanceof DamagedError) return uids
  if (error instanceof StoreError && passing.has(error.code)) return uids
  return undefined
}
