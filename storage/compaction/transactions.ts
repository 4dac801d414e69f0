/** Which transactions of a queue were aborted, and of which nothing is left, told by the batches themselves. */
import { controlBit, transactionalBit } from '../batch/attributes.ts'
import { visitRecords } from '../batch/filter-batch.ts'
import { baseOffsetOf } from '../batch/patch-batch.ts'
import type { RecordBatch } from '../batch/record-batch.ts'

/** A control record's key: version (2 bytes), type (2 bytes), of which 0 ends a transaction that was aborted. */
const markerKeyBytes = 4
const abortMarker = 0
const commitMarker = 1

/** Offsets of a producer's records in one transaction. */
interface Span {
  readonly from: number
  readonly to: number
}

export interface Transactions {
  readonly isAborted: (producerId: number, offset: number) => boolean
  /** Offsets of markers of whose transactions no batch is there any more. */
  readonly emptyMarkers: ReadonlySet<number>
  /** Where the first begins whose outcome is not known; Infinity for none. */
  readonly openFrom: number
}

export function isTransactional({ attributes }: RecordBatch): boolean {
  return (attributes & (transactionalBit | controlBit)) !== 0
}

/** `batches`: of one queue, from its first to its last. */
export async function findTransactions(batches: AsyncIterable<RecordBatch>): Promise<Transactions> {
  const open = new Map<number, number>()
  const aborted = new Map<number, Span[]>()
  const emptyMarkers = new Set<number>()
  for await (const batch of batches) {
    if (!isTransactional(batch)) continue
    const { producerId } = batch
    const offset = baseOffsetOf(batch)
    if ((batch.attributes & controlBit) === 0) {
      if (!open.has(producerId)) open.set(producerId, offset)
      continue
    }
    const type = await markerTypeOf(batch)
    if (type !== abortMarker && type !== commitMarker) continue
    const from = open.get(producerId)
    open.delete(producerId)
    if (from === undefined) emptyMarkers.add(offset)
    else if (type === abortMarker) {
      const spans = aborted.get(producerId)
      if (spans === undefined) aborted.set(producerId, [{ from, to: offset }])
      else spans.push({ from, to: offset })
    }
  }
  return {
    isAborted: (producerId, offset) =>
      aborted.get(producerId)?.some(({ from, to }) => from <= offset && offset < to) ?? false,
    emptyMarkers,
    openFrom: Math.min(Number.POSITIVE_INFINITY, ...open.values())
  }
}

/** Undefined for a batch that was emptied. */
async function markerTypeOf(batch: RecordBatch): Promise<number | undefined> {
  let type: number | undefined
  await visitRecords(batch, ({ key }) => {
    if (key !== null && key.length >= markerKeyBytes) type ??= key.readInt16BE(2)
  })
  return type
}
