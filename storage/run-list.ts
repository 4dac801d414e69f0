/**
 * Index entries of one queue, packed: nine doubles a run instead of an object with nine fields (a segment of small
 * runs has millions).
 */

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

const stride = 9

/** Ascending by offset; entries are added at the end and dropped from the front. */
export class RunList {
  #data: Float64Array
  #from = 0
  #to = 0

  constructor(capacity = 4) {
    this.#data = new Float64Array(capacity * stride)
  }

  get length(): number {
    return this.#to - this.#from
  }

  /** Memory held, bytes. */
  get heldBytes(): number {
    return this.#data.byteLength
  }

  push(run: RunEntry): void {
    if ((this.#to + 1) * stride > this.#data.length) this.#grow()
    const at = this.#to * stride
    const data = this.#data
    data[at] = run.baseOffset
    data[at + 1] = run.nextOffset
    data[at + 2] = run.segment
    data[at + 3] = run.position
    data[at + 4] = run.bytes
    data[at + 5] = run.appendTimeMs
    data[at + 6] = run.maxTimestamp
    data[at + 7] = run.runningMax
    data[at + 8] = run.flags
    this.#to++
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
    return this.#data[(this.#to - 1) * stride + 1] as number
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
    if (this.#from === this.#to) {
      this.#from = 0
      this.#to = 0
      if (this.#data.length > 64 * stride) this.#data = new Float64Array(4 * stride)
    }
  }

  /** First index whose `field` is at or above `wanted`; the field must never fall along the list. */
  #search(field: number, wanted: number): number {
    let low = this.#from
    let high = this.#to
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#data[middle * stride + field] as number) < wanted) low = middle + 1
      else high = middle
    }
    return low - this.#from
  }

  #grow(): void {
    const held = this.#data.subarray(this.#from * stride, this.#to * stride)
    const grown = new Float64Array(Math.max(4, this.length * 2) * stride)
    grown.set(held)
    this.#data = grown
    this.#to -= this.#from
    this.#from = 0
  }
}
