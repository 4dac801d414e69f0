/**
 * How many bytes of batches each queue has from its log start on. Nothing is kept for it on disk: the first question
 * after an open adds up what the segments hold, from then on appends and moves of log starts are followed.
 */
import type { Catalog } from './catalog.ts'
import type { QueueUid } from './contract.ts'
import type { IndexDb } from './index-db.ts'
import type { Queue } from './queue.ts'
import type { RunIndex } from './run-index.ts'
import { type QueueUsage, readUsageBlock, type SegmentUsage } from './segment-usage.ts'

/** Bytes of the runs that end after `start`, as far as they are known (up to the queue's end). */
interface Known {
  start: number
  bytes: number
}

export interface QueueSizesParts {
  readonly catalog: Catalog
  readonly db: IndexDb
  readonly index: RunIndex
  readonly usage: SegmentUsage
}

export class QueueSizes {
  readonly #parts: QueueSizesParts
  /** Undefined before the first question. */
  #known: Map<QueueUid, Known> | undefined
  #loading: Promise<void> | undefined
  /** Questions about one queue follow each other. */
  readonly #settling = new Map<QueueUid, Promise<number>>()

  constructor(parts: QueueSizesParts) {
    this.#parts = parts
  }

  /** A run became durable. */
  add(
    queue: QueueUid,
    { baseOffset, bytes }: { readonly baseOffset: number; readonly bytes: number }
  ): void {
    if (this.#known === undefined) return
    const known = this.#known.get(queue)
    if (known === undefined) this.#known.set(queue, { start: baseOffset, bytes })
    else known.bytes += bytes
  }

  forget(queue: QueueUid): void {
    this.#known?.delete(queue)
  }

  /** Runs of the queue went or became smaller: it is added up anew when somebody asks. */
  recount({ uid, highWatermark }: Queue): void {
    if (this.#known?.has(uid)) this.#known.set(uid, { start: highWatermark, bytes: 0 })
  }

  /** A run that the log start is within counts whole. */
  async of(queue: Queue): Promise<number> {
    if (this.#known === undefined) {
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined
      })
      await this.#loading
    }
    const before = this.#settling.get(queue.uid) ?? Promise.resolve(0)
    const settling = before.then(() => this.#settle(queue))
    this.#settling.set(queue.uid, settling)
    try {
      return await settling
    } finally {
      if (this.#settling.get(queue.uid) === settling) this.#settling.delete(queue.uid)
    }
  }

  /** Takes up moves of the log start while the index still knows what was before it. */
  async follow(queue: Queue): Promise<void> {
    if (this.#loading !== undefined) await this.#loading
    if (this.#known?.has(queue.uid)) await this.of(queue)
  }

  async #settle(queue: Queue): Promise<number> {
    const known = this.#known?.get(queue.uid)
    if (known === undefined) return 0
    const { index } = this.#parts
    const { logStart } = queue
    const { start } = known
    if (start > logStart) {
      for await (const run of index.runsBetween(queue, logStart, start)) known.bytes += run.bytes
    } else if (start < logStart) {
      for await (const run of index.runsBetween(queue, start, logStart))
        if (run.nextOffset <= logStart) known.bytes -= run.bytes
    }
    known.start = logStart
    return known.bytes
  }

  /** Sealed segments first; what is in memory is taken up at the end, in one turn, so that no append is missed. */
  async #load(): Promise<void> {
    const { catalog, db, usage } = this.#parts
    const known = new Map<QueueUid, Known>()
    const seen = new Set<number>()
    const isOnDisk = (id: number) => !seen.has(id) && usage.get(id) === undefined
    for (;;) {
      const id = [...catalog.segments.keys()].find(isOnDisk)
      if (id === undefined) break
      seen.add(id)
      const block = await db.usage(id)
      if (block !== undefined) this.#addUp(readUsageBlock(block), known)
    }
    for (const id of catalog.segments.keys())
      if (!seen.has(id)) this.#addUp(usage.get(id) ?? [], known)
    this.#known = known
  }

  /** Parts of segments that the log start is within are left to the first question about their queue. */
  #addUp(entries: Iterable<QueueUsage>, known: Map<QueueUid, Known>): void {
    for (const { queue: uid, firstOffset, nextOffset, bytes } of entries) {
      const queue = this.#parts.catalog.queues.get(uid)
      if (queue === undefined || nextOffset <= queue.logStart) continue
      const one = known.get(uid)
      const isWhole = firstOffset >= queue.logStart
      const start = isWhole ? firstOffset : nextOffset
      if (one === undefined) known.set(uid, { start, bytes: isWhole ? bytes : 0 })
      else {
        one.start = Math.min(one.start, start)
        if (isWhole) one.bytes += bytes
      }
    }
  }
}
