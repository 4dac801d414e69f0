/** All batches of a stretch of a queue, as readers get them, a few at a time. */
import { batchOf } from './batch/parse-batch.ts'
import { baseOffsetOf } from './batch/patch-batch.ts'
import { batchHeaderBytes, type RecordBatch } from './batch/record-batch.ts'
import { StoreError } from './errors.ts'
import type { Queue } from './queue.ts'
import type { Reader } from './reader.ts'

export interface BatchesOptions {
  readonly from: number
  /** No batch that begins there or later is given. */
  readonly to: number
  /** Read at a time. */
  readonly bytes: number
  /** Awaited after so many bytes, with so many records, were read and looked at. */
  readonly pace?: (bytes: number, records: number) => Promise<void>
  /** Damaged batches are left out, and told of; otherwise they end it. */
  readonly onDamaged?: (error: StoreError) => void
}

/**
 * Batches are slices that may be looked at until the next is asked for. Rejects with StoreError: the queue went, the
 * log start passed what was to be read, or it cannot be read.
 */
export async function* batchesBetween(
  reader: Reader,
  queue: Queue,
  { from, to, bytes, pace, onDamaged }: BatchesOptions
): AsyncGenerator<RecordBatch> {
  let next = from
  while (next < Math.min(to, queue.highWatermark)) {
    const [result] = await reader.read({
      queues: [{ queue: queue.uid, offset: next, maxBytes: bytes }],
      maxBytes: bytes,
      isolation: 'uncommitted',
      borrows: true
    })
    const behind = result instanceof StoreError ? behindDamage(result) : undefined
    if (result instanceof StoreError && behind !== undefined && onDamaged !== undefined) {
      onDamaged(result)
      next = behind
      continue
    }
    if (result === undefined || result instanceof StoreError) throw result
    if (result.bytes === 0) return
    let records = 0
    try {
      for (const buffer of result.buffers)
        for (const batch of batchesIn(buffer)) {
          if (baseOffsetOf(batch) >= to) return
          records += batch.recordCount
          yield batch
        }
    } finally {
      result.release?.()
    }
    next = result.nextOffset
    await pace?.(result.bytes, records)
  }
}

/** Where the log goes on behind a damaged run. */
function behindDamage({ code, detail }: StoreError): number | undefined {
  const { nextOffset } = detail
  return code === 'corrupt' && typeof nextOffset === 'number' ? nextOffset : undefined
}

function* batchesIn(buffer: Buffer): Iterable<RecordBatch> {
  for (let at = 0; at + batchHeaderBytes <= buffer.length; ) {
    const length = 12 + buffer.readInt32BE(at + 8)
    yield batchOf(buffer.subarray(at, at + length))
    at += length
  }
}
