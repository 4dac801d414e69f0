/**
 * What pulls have read and not answered. A pull takes a few messages, 32 by default, of what is worth reading at once;
 * the next pull of the queue begins where it ended, and finds the rest here instead of reading and checking it again.
 * The rest is a copy, so that it holds no buffer of the store. Records never change under their offsets: what is kept
 * is right as long as its offset is within the queue's ends, which the pull looks at.
 */
import type { RecordPlaces } from '../../storage/batch/walk-records.ts'
import type { OriginOf, QueueUid } from '../../storage/contract.ts'
import type { RecordBatch } from '../../storage/index.ts'
import { type CacheFigures, WeightedCache } from '../broker/translate/index.ts'

/** Of all queues. */
const keptBytesMax = 16 * 1024 * 1024
/** Of one pull. */
const keptBytesOfPullMax = 1024 * 1024
/** What an entry takes besides its bytes, about. */
const overheadBytes = 1024

export interface Ahead {
  readonly batches: readonly RecordBatch[]
  /** Of the batches. */
  readonly origins: readonly OriginOf[]
  /** The offset after the last batch. */
  readonly nextOffset: number
  /** Of the first batch, where it was decoded before. */
  readonly places: RecordPlaces | undefined
  /** Its batches are no slices of somebody else's buffers. */
  readonly isOwn: boolean
}

export class ReadAhead {
  readonly #kept = new WeightedCache<Ahead>({
    bytesMax: keptBytesMax,
    entryBytesMax: keptBytesOfPullMax
  })

  /** What is from the offset on, once. */
  take(queue: QueueUid, offset: number): Ahead | undefined {
    return this.#kept.take(keyOf(queue, offset))
  }

  /** For the pull that begins at the offset, which is in the first batch. */
  keep(queue: QueueUid, offset: number, ahead: Ahead): void {
    let bytes = overheadBytes + (ahead.places?.bytes ?? 0)
    for (const batch of ahead.batches) bytes += batch.bytes.length
    if (bytes > keptBytesOfPullMax) return
    this.#kept.set(keyOf(queue, offset), ahead.isOwn ? ahead : owned(ahead), bytes)
  }

  figures(): CacheFigures {
    return this.#kept.figures()
  }
}

function keyOf(queue: QueueUid, offset: number): string {
  return `${queue}:${offset}`
}

function owned({ batches, ...ahead }: Ahead): Ahead {
  const block = Buffer.concat(batches.map(({ bytes }) => bytes))
  let at = 0
  const own = batches.map((batch) => {
    const bytes = block.subarray(at, at + batch.bytes.length)
    at += bytes.length
    return { ...batch, bytes }
  })
  return { ...ahead, batches: own, isOwn: true }
}
