/**
 * The newest flush groups in memory: readers at the end of their queue are served from here. Bounded by bytes; the
 * oldest group leaves first, so what a queue has here is always its end without gaps.
 */
import type { Queue } from './queue.ts'
import type { SealedRun } from './sealed-group.ts'

/** A durable run's batches. The buffers are never written to again. */
export interface TailRun {
  readonly queue: Queue
  readonly baseOffset: number
  readonly nextOffset: number
  readonly batches: readonly Buffer[]
  readonly bytes: number
  readonly appendTimeMs: number
  readonly flags: number
  /** What it takes in memory, about. */
  readonly heldBytes: number
}

/**
 * What a run and each of its batches take besides the batches' bytes (objects, the run's header beside them): measured
 * on Node 20. Of runs of a hundred bytes it is most of what they take.
 */
const runOverheadBytes = 432
const batchOverheadBytes = 128

/** What stays in memory of a run that became durable. */
export function tailRunOf(run: SealedRun, appendTimeMs: number): TailRun {
  const { queue, baseOffset, nextOffset, batches, bytes, flags } = run
  const heldBytes = bytes + runOverheadBytes + batches.length * batchOverheadBytes
  return { queue, baseOffset, nextOffset, batches, bytes, appendTimeMs, flags, heldBytes }
}

/** The runs of one queue that are in memory, oldest first. */
export class QueueTail {
  /** Those before the head have left. */
  #runs: (TailRun | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#runs.length - this.#head
  }

  /** Offset from which on this queue can be read from memory; Infinity when nothing is here. */
  get startOffset(): number {
    return this.#runs[this.#head]?.baseOffset ?? Number.POSITIVE_INFINITY
  }

  at(index: number): TailRun | undefined {
    return this.#runs[this.#head + index]
  }

  push(run: TailRun): void {
    this.#runs.push(run)
  }

  dropFirst(): void {
    // It holds on to a whole group's memory.
    this.#runs[this.#head++] = undefined
    // An array that is only shifted would be moved whole each time; here it is cut once in a while.
    if (this.length === 0) this.clear()
    else if (this.#head > 32 && this.#head * 2 > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head)
      this.#head = 0
    }
  }

  /** Forgets the runs that end at or before `offset`: on disk they are not what they were. */
  dropBefore(offset: number): void {
    for (let run = this.at(0); run !== undefined && run.nextOffset <= offset; run = this.at(0))
      this.dropFirst()
  }

  clear(): void {
    this.#runs = []
    this.#head = 0
  }

  /** Index of the run that holds `offset` (at or above `startOffset`); `length` if it is the end. */
  indexOf(offset: number): number {
    let low = this.#head
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#runs[middle] as TailRun).nextOffset <= offset) low = middle + 1
      else high = middle
    }
    return low - this.#head
  }
}

/** All queues' tails under one limit. */
export class Tail {
  readonly #bytesMax: number
  #groups: TailRun[][] = []
  #head = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Takes the runs of a group that became durable. */
  add(runs: TailRun[]): void {
    if (runs.length === 0) return
    this.#groups.push(runs)
    for (const run of runs) {
      run.queue.tail.push(run)
      this.#bytes += run.heldBytes
    }
    while (this.#bytes > this.#bytesMax && this.#head < this.#groups.length) this.#evict()
  }

  #evict(): void {
    const group = this.#groups[this.#head] as TailRun[]
    this.#groups[this.#head++] = []
    for (const run of group) {
      this.#bytes -= run.heldBytes
      // A deleted queue's tail was cleared at once.
      if (run.queue.tail.at(0) === run) run.queue.tail.dropFirst()
    }
    if (this.#head > 64 && this.#head * 2 > this.#groups.length) {
      this.#groups = this.#groups.slice(this.#head)
      this.#head = 0
    }
  }
}
