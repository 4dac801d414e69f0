/** First half of a pass: reads what is dirty of the queues that are due, and notes the newest offset of each key. */
import { controlBit } from '../batch/attributes.ts'
import { visitRecords } from '../batch/filter-batch.ts'
import { baseOffsetOf } from '../batch/patch-batch.ts'
import type { RecordBatch } from '../batch/record-batch.ts'
import type { CompactionPolicy } from '../keep-policy.ts'
import type { Queue } from '../queue.ts'
import { batchesBetween } from '../queue-batches.ts'
import type { Reader } from '../reader.ts'
import { uncleanable } from './errors.ts'
import type { KeyMap } from './key-map.ts'
import { type Pace, recordCostBytes } from './pace.ts'
import { findTransactions, isTransactional, type Transactions } from './transactions.ts'

/** Read at a time: looked at within a turn of the event loop. */
const readBytes = 256 * 1024

/** A queue that is to be compacted. */
export interface DueQueue {
  readonly queue: Queue
  readonly policy: CompactionPolicy
  /** Records before it were compacted before. */
  readonly cleanEnd: number
  /** Records from there on are not to be compacted yet. */
  readonly limit: number
  readonly hasTransactions: boolean
}

/** What a pass does with a queue. */
export interface QueuePlan extends DueQueue {
  /** So far the keys are noted. */
  readonly to: number
  readonly transactions: Transactions | undefined
}

export interface PlanParts {
  readonly reader: Reader
  readonly pace: Pace
}

/**
 * Undefined where the map is full before anything of the queue is in it. Rejects with UncleanableError, with StoreError
 * where the queue cannot be read, and with what `pace` rejects with.
 */
export async function planQueue(
  parts: PlanParts,
  due: DueQueue,
  newest: KeyMap
): Promise<QueuePlan | undefined> {
  const { queue, cleanEnd } = due
  const from = Math.max(cleanEnd, queue.logStart)
  let transactions = due.hasTransactions ? await transactionsOf(parts, queue) : undefined
  let limit = Math.min(due.limit, transactions?.openFrom ?? due.limit)
  for await (const batch of batchesFrom(parts, queue, from, limit)) {
    const offset = baseOffsetOf(batch)
    if (isTransactional(batch) && transactions === undefined) {
      transactions = await transactionsOf(parts, queue)
      limit = Math.min(limit, transactions.openFrom)
    }
    if (offset >= limit) break
    const full = await noteKeys(queue, batch, from, transactions, newest)
    if (full === undefined) continue
    // A batch that does not go in whole is left for the next pass, unless it would never.
    limit = offset > from ? offset : full
    break
  }
  if (limit <= from && due.limit > from) return undefined
  return { ...due, to: Math.max(limit, from), transactions }
}

/** The offset of the first record whose key did not go into the map; undefined if all did. */
async function noteKeys(
  { uid }: Queue,
  batch: RecordBatch,
  from: number,
  transactions: Transactions | undefined,
  newest: KeyMap
): Promise<number | undefined> {
  if (isTransactional(batch) && isWithoutKeys(batch, transactions)) return undefined
  let full: number | undefined
  await uncleanable(uid, () =>
    visitRecords(batch, ({ offset, key }) => {
      if (full !== undefined || key === null || offset < from) return
      if (!newest.put(uid, key, offset)) full = offset
    })
  )
  return full
}

/** Markers, and what was aborted. */
function isWithoutKeys(batch: RecordBatch, transactions: Transactions | undefined): boolean {
  if ((batch.attributes & controlBit) !== 0) return true
  return transactions?.isAborted(batch.producerId, baseOffsetOf(batch)) === true
}

async function transactionsOf(parts: PlanParts, queue: Queue): Promise<Transactions> {
  const { logStart, highWatermark } = queue
  return await uncleanable(queue.uid, () =>
    findTransactions(batchesFrom(parts, queue, logStart, highWatermark))
  )
}

/** The queue's batches, without those that are damaged: nobody can read them. */
export function batchesFrom(
  { reader, pace }: PlanParts,
  queue: Queue,
  from: number,
  to: number
): AsyncGenerator<RecordBatch> {
  const onDamaged = (): void => undefined
  const both = (bytes: number, records: number) => pace(bytes + records * recordCostBytes)
  return batchesBetween(reader, queue, { from, to, bytes: readBytes, pace: both, onDamaged })
}
