/**
 * Cuts the runs of segments, which are to be copied by queue and offset, into parts that can be listed in memory,
 * without listing them: runs come in the order of the log, of each queue by offset.
 */
import type { QueueUid } from './contract.ts'

/** A place in the list of all runs by queue and offset. */
export interface Mark {
  readonly queue: QueueUid
  readonly offset: number
}

/** Whether a run stands before the mark. */
export function isBefore(
  { queue, baseOffset }: { readonly queue: QueueUid; readonly baseOffset: number },
  mark: Mark
): boolean {
  return queue < mark.queue || (queue === mark.queue && baseOffset < mark.offset)
}

interface Counted {
  runs: number
  /** Offsets of runs that are so many runs apart. */
  readonly marks: number[]
}

export class CopyParts {
  readonly #runsMax: number
  readonly #queues = new Map<QueueUid, Counted>()
  count = 0

  /** `runsMax`: in one part. */
  constructor(runsMax: number) {
    this.#runsMax = runsMax
  }

  /** The next run. */
  add(queue: QueueUid, baseOffset: number): void {
    this.count++
    const known = this.#queues.get(queue)
    if (known === undefined) this.#queues.set(queue, { runs: 1, marks: [] })
    else if (known.runs++ % this.#runsMax === 0) known.marks.push(baseOffset)
  }

  /** Where each part begins, ascending; the first is before all. */
  marks(): Mark[] {
    const parts: Mark[] = [{ queue: 0, offset: 0 }]
    let runs = 0
    for (const [queue, one] of [...this.#queues].sort(([a], [b]) => a - b)) {
      if (runs > 0 && runs + one.runs > this.#runsMax) {
        parts.push({ queue, offset: 0 })
        runs = 0
      }
      for (const offset of one.marks) parts.push({ queue, offset })
      runs += one.runs - one.marks.length * this.#runsMax
    }
    return parts
  }
}
