/**
 * Index entries of one queue, packed: nine doubles a run instead of an object with nine fields (a segment of small
 * runs has millions). In a plain array, which V8 keeps as doubles: for thousands of queues with a few entries each,
 * typed arrays cost more than what is in them, outside V8's heap.
 */
import { runFlags } from './layout/types.ts'

/** One run as the index knows it. */
export interface RunEntry {
  readonly baseOffset: number
  /** Offset after the run's last record. */
  readonly nextOffset: number
  readonly segment: number
  /** Where the run's batches begin in the segment's file. */
  readonly position: number
  /** Of the batches, without the run's header. */
  readonly bytes: number
  readonly appendTimeMs: number
  /** Greatest record timestamp in the run. */
  readonly maxTimestamp: number
  /** Greatest record timestamp of the queue up to and with this run. */
  readonly runningMax: number
  /** `runFlags` of the run's header. */
  readonly flags: number
}

/** What the age of a run counts from, ms since the epoch: the append, or what Kafka's clients say where that is earlier. */
export function bornMs({
  flags,
  appendTimeMs,
  maxTimestamp
}: Pick<RunEntry, 'flags' | 'appendTimeMs' | 'maxTimestamp'>): number {
  if ((flags & runFlags.rocketmq) !== 0 || maxTimestamp < 0) return appendTimeMs
  return Math.min(appendTimeMs, maxTimestamp)
}

const stride = 9
const doubleBytes = 8
/** A list that is emptied keeps room for this many. */
const keptRunsMax = 8

/** Ascending by offset; entries are added at the end and dropped from the front. */
export class RunList {
  #data: number[] = []
  #from = 0

  get length(): number {
    return this.#data.length / stride - this.#from
  }

  /** Memory held, bytes. */
  get heldBytes(): number {
    return this.#data.length * doubleBytes
  }

  push(run: RunEntry): void {
    this.#data.push(
      run.baseOffset,
      run.nextOffset,
      run.segment,
      run.position,
      run.bytes,
      run.appendTimeMs,
      run.maxTimestamp,
      run.runningMax,
      run.flags
    )
  }

  at(index: number): RunEntry {
    const at = (this.#from + index) * stride
    const d = this.#data
    return {
      baseOffset: d[at] as number,
      nextOffset: d[at + 1] as number,
      segment: d[at + 2] as number,
      position: d[at + 3] as number,
      bytes: d[at + 4] as number,
      appendTimeMs: d[at + 5] as number,
      maxTimestamp: d[at + 6] as number,
      runningMax: d[at + 7] as number,
      flags: d[at + 8] as number
    }
  }

  /** Offset of the first entry; the list must not be empty. */
  firstOffset(): number {
    return this.#data[this.#from * stride] as number
  }

  /** Offset after the last entry; the list must not be empty. */
  nextOffset(): number {
    return this.#data[this.#data.length - stride + 1] as number
  }

  /** Index of the first run that ends after `offset`; `length` if none does. */
  indexOf(offset: number): number {
    return this.#search(1, offset + 1)
  }

  /** Index of the first run whose running maximum is at or above `timestampMs`; `length` if none is. */
  indexByRecordTime(timestampMs: number): number {
    return this.#search(7, timestampMs)
  }

  /** Index of the first run appended at or after `timeMs`; `length` if none was. */
  indexByAppendTime(timeMs: number): number {
    return this.#search(5, timeMs)
  }

  /** Forgets the first `count` entries. */
  dropFirst(count: number): void {
    this.#from += count
    if (this.length > 0) {
      // Cut once in a while only: what is left is moved.
      if (this.#from < this.length) return
      this.#data = this.#data.slice(this.#from * stride)
    } else if (this.#from > keptRunsMax) this.#data = []
    else this.#data.length = 0
    this.#from = 0
  }

  /** First index whose `field` is at or above `wanted`; the field must never fall along the list. */
  #search(field: number, wanted: number): number {
    let low = this.#from
    let high = this.#data.length / stride
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#data[middle * stride + field] as number) < wanted) low = middle + 1
      else high = middle
    }
    return low - this.#from
  }
}
