import { appendTimeBit } from '../../../storage/batch/attributes.ts'
import { isBatchFault, parseBatches, storedBatch } from '../../../storage/batch/parse-batch.ts'
import { records } from '../../../storage/batch/records.ts'
import type { Engine, QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import { Violation } from './violation.ts'

/** A queue from its first to its last record. */
export interface QueueContent {
  readonly highWatermark: number
  readonly ids: ReadonlyMap<number, string>
  readonly offsets: ReadonlyMap<string, number>
  /** Of records that the store stamped: when, ms. */
  readonly stamps: ReadonlyMap<string, number>
}

/** Reads from `from` to the end; throws Violation for holes, bad bytes, and ids that are there twice. */
export async function readQueue(engine: Engine, queue: QueueUid, from = 0): Promise<QueueContent> {
  const ids = new Map<number, string>()
  const offsets = new Map<string, number>()
  const stamps = new Map<string, number>()
  let at = from
  for (;;) {
    const queues = [{ queue, offset: at, maxBytes: 20_000 }]
    const [data] = await engine.read({ queues, maxBytes: 20_000, isolation: 'uncommitted' })
    if (data === undefined || data instanceof StoreError) {
      // A disk that fails is not the store's fault; whoever called knows whether it may.
      if (data?.code === 'io-failed') throw data
      throw new Violation(`queue ${queue} at ${at}: ${data?.code}`)
    }
    if (data.bytes === 0) {
      const { highWatermark } = data.ends
      if (at !== highWatermark)
        throw new Violation(`queue ${queue}: nothing at ${at} of ${highWatermark}`)
      return { highWatermark, ids, offsets, stamps }
    }
    for (const { offset, id, stampedMs } of await idsIn(Buffer.concat(data.buffers))) {
      if (offset < at) continue
      if (offset !== from + ids.size)
        throw new Violation(`queue ${queue}: ${offset} follows ${from + ids.size - 1}`)
      if (offsets.has(id))
        throw new Violation(`queue ${queue}: ${id} is at ${offsets.get(id)} and ${offset}`)
      ids.set(offset, id)
      offsets.set(id, offset)
      if (stampedMs !== undefined) stamps.set(id, stampedMs)
    }
    if (data.nextOffset !== from + ids.size) throw new Violation(`queue ${queue}: bad next offset`)
    at = data.nextOffset
  }
}

interface Found {
  readonly offset: number
  readonly id: string
  readonly stampedMs: number | undefined
}

async function idsIn(bytes: Buffer): Promise<Found[]> {
  const batches = parseBatches(bytes, { ...storedBatch, records: true })
  if (isBatchFault(batches)) throw new Violation(`a read gave no batches: ${batches.text}`)
  const found: Found[] = []
  for (const batch of batches) {
    const isStamped = (batch.attributes & appendTimeBit) !== 0
    for (const { offset, value, timestamp } of await records(batch)) {
      const id = `${value}`.split(':', 1)[0]!
      found.push({ offset, id, stampedMs: isStamped ? timestamp : undefined })
    }
  }
  return found
}
