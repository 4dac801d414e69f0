import { corrupt } from './compression-limits.ts'
import { batchHeaderBytes, type RecordBatch } from './record-batch.ts'
import { VarintReader } from './varint.ts'

/** Length, attributes, timestamp, offset, key, value, count of headers: a byte each. */
const recordBytesMin = 7

const noBytes = Buffer.alloc(0)

/** One for all walks: a walk never yields, and this way it allocates nothing. */
const reader = new VarintReader()

/**
 * Walks the records of an uncompressed batch by their lengths. Returns what is wrong, or undefined. With `dense`
 * each record's offset delta must be its index, as it is in what a producer sends: the batch is stored as it is,
 * so a wrong delta would reach consumers as a wrong offset.
 */
export function walkRecords(batch: RecordBatch, dense: boolean): string | undefined {
  const { bytes, recordCount, lastOffsetDelta } = batch
  reader.reset(bytes, batchHeaderBytes, bytes.length)
  let lastDelta = -1
  for (let index = 0; index < recordCount; index++) {
    const length = reader.int()
    const end = reader.at + length
    if (reader.bad || length < 0 || end > bytes.length) return `record ${index} has a bad length`
    reader.skip(1)
    reader.long()
    const delta = reader.int()
    if (dense ? delta !== index : delta <= lastDelta || delta > lastOffsetDelta) {
      return `record ${index} has the offset delta ${delta}`
    }
    lastDelta = delta
    reader.skipField()
    reader.skipField()
    skipHeaders()
    if (reader.bad || reader.at !== end) return `record ${index} does not fill its ${length} bytes`
  }
  const left = bytes.length - reader.at
  return left === 0 ? undefined : `${left} bytes after the last record`
}

/**
 * Where the records of an inflated block are, and their offsets: all that has to be kept of a block to read any of its
 * records. Walked in steps, for a block may hold very many.
 */
export class RecordPlaces {
  /** Records walked so far. */
  count = 0
  /** Of each record's length field. */
  readonly starts: Uint32Array
  /** Ascending. */
  readonly deltas: Int32Array
  /** Until all is walked: places may be kept longer than what they were found in. */
  #block: Buffer
  readonly #lastOffsetDelta: number
  #at = 0

  /** Throws CompressionError, corrupt, for more records than the block has room for. */
  constructor({ recordCount, lastOffsetDelta }: RecordBatch, block: Buffer) {
    if (recordCount < 0 || recordCount * recordBytesMin > block.length)
      throw corrupt(`${recordCount} records in ${block.length} bytes`)
    this.starts = new Uint32Array(recordCount)
    this.deltas = new Int32Array(recordCount)
    this.#block = block
    this.#lastOffsetDelta = lastOffsetDelta
  }

  /**
   * Walks `most` records on; false when all are walked. Throws CompressionError, corrupt, where the bytes are no
   * records, or their offsets do not ascend within the batch: a compressed batch is stored unseen, and a client's
   * wrong delta must not reach other clients as a wrong offset.
   */
  step(most: number): boolean {
    const { starts, deltas } = this
    if (this.#block === noBytes) return false
    const to = Math.min(this.count + most, starts.length)
    reader.reset(this.#block, this.#at, this.#block.length)
    for (; this.count < to; this.count++) {
      starts[this.count] = reader.at
      const length = reader.int()
      const end = reader.at + length
      reader.skip(1)
      reader.long()
      const delta = reader.int()
      reader.skipField()
      reader.skipField()
      skipHeaders()
      if (reader.bad || reader.at !== end) throw corrupt('a record of a batch is malformed')
      const last = this.count === 0 ? -1 : (deltas[this.count - 1] as number)
      if (delta <= last || delta > this.#lastOffsetDelta)
        throw corrupt(`offset ${delta} in a batch after ${last}`)
      deltas[this.count] = delta
    }
    this.#at = reader.at
    if (this.count < starts.length) return true
    if (this.#at !== this.#block.length) throw corrupt('bytes after the last record of a batch')
    this.#block = noBytes
    return false
  }

  /** What they take in memory. */
  get bytes(): number {
    return this.starts.byteLength + this.deltas.byteLength
  }

  /** The index of the first record whose delta is that or greater; the count of records if there is none. */
  indexFrom(delta: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.deltas[middle] as number) < delta) low = middle + 1
      else high = middle
    }
    return low
  }
}

function skipHeaders(): void {
  const count = reader.int()
  if (count < 0) reader.bad = true
  for (let left = count; left > 0 && !reader.bad; left--) {
    const nameLength = reader.int()
    reader.skip(nameLength)
    reader.skipField()
  }
}
