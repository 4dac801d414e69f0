/** Compaction of whole runs, as the copy of a segment asks for it: their batches one by one, and a header that fits. */
import { crc32c } from '@node-rs/crc32'
import { visitRecords } from '../batch/filter-batch.ts'
import { batchOf } from '../batch/parse-batch.ts'
import { baseOffsetOf } from '../batch/patch-batch.ts'
import { batchHeaderBytes, batchUncheckedBytes, type RecordBatch } from '../batch/record-batch.ts'
import type { QueueUid } from '../contract.ts'
import { timestampMax } from '../group-builder.ts'
import { extensionsLeft } from '../key-hash.ts'
import { readRunHeader, runHeaderBytes, writeRunHeader } from '../layout/run.ts'
import { runFlags } from '../layout/types.ts'
import type { FilteredRun, PlacedRun, RunFilter } from '../segment-copy.ts'
import { uncleanable } from './errors.ts'
import { type Pace, paceRecords } from './pace.ts'
import type { QueueFilter } from './queue-filter.ts'

/** A queue's filter, and where the records end that it is for. */
export interface FilterOfQueue {
  readonly filter: QueueFilter
  readonly to: number
}

/** Rejects with UncleanableError where a batch cannot be taken apart. */
export function runFilterOf(queues: ReadonlyMap<QueueUid, FilterOfQueue>, pace: Pace): RunFilter {
  const pacedRecords = paceRecords(pace)
  return {
    concerns: ({ queue, baseOffset }) => {
      const one = queues.get(queue)
      return one !== undefined && baseOffset < one.to
    },
    apply: async (run, entry) => {
      const one = queues.get(run.queue) as FilterOfQueue
      await pacedRecords(run.nextOffset - run.baseOffset)
      return await uncleanable(run.queue, () => filterRun(run, entry, one.filter))
    }
  }
}

/** What is left of a run; undefined for nothing. Rejects with CompressionError. */
async function filterRun(
  run: PlacedRun,
  entry: Buffer,
  filter: QueueFilter
): Promise<FilteredRun | undefined> {
  const batches: RecordBatch[] = []
  let hasChanged = false
  for (let at = run.headerBytes; at < entry.length; ) {
    const batch = batchOf(entry.subarray(at, at + 12 + entry.readInt32BE(at + 8)))
    at += batch.bytes.length
    // What is damaged is never served, and never made to look sound.
    const left = isSound(batch) ? await filter.apply(batch) : batch
    hasChanged ||= left !== batch
    if (left !== undefined) batches.push(left)
  }
  if (!hasChanged) return { ...run, entry }
  if (batches.length === 0) return undefined
  return await encodeRun(run, entry, batches)
}

async function encodeRun(
  run: PlacedRun,
  entry: Buffer,
  batches: readonly RecordBatch[]
): Promise<FilteredRun> {
  const header = readRunHeader(entry, 0)
  if (header === undefined) throw new Error('a run has no readable header')
  const [first, last] = [batches[0] as RecordBatch, batches.at(-1) as RecordBatch]
  const baseOffset = baseOffsetOf(first)
  const offsets = header.extensions.length === 0 ? new Set<number>() : await offsetsOf(batches)
  const isLeft = (offset: number): boolean => offsets.has(offset)
  const { resolves } = header
  const extensions = extensionsLeft(run.baseOffset, header.extensions, baseOffset, isLeft)
  const headerBytes = runHeaderBytes({ resolves, extensions })
  const pieces = batches.map((batch) => batch.bytes)
  const batchBytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const maxTimestamp = maxTimestampOf(batches)
  const written = Buffer.alloc(headerBytes)
  writeRunHeader(
    written,
    0,
    {
      flags: header.flags | runFlags.compacted,
      queue: header.queue,
      baseOffset,
      recordCount: batches.reduce((sum, { recordCount }) => sum + recordCount, 0),
      batchCount: batches.length,
      batchBytes,
      appendTimeMs: header.appendTimeMs,
      maxTimestamp,
      resolves,
      extensions
    },
    pieces
  )
  return {
    entry: Buffer.concat([written, ...pieces]),
    baseOffset,
    nextOffset: baseOffsetOf(last) + last.lastOffsetDelta + 1,
    headerBytes,
    bytes: batchBytes,
    maxTimestamp
  }
}

async function offsetsOf(batches: readonly RecordBatch[]): Promise<Set<number>> {
  const offsets = new Set<number>()
  for (const batch of batches)
    await visitRecords(batch, ({ offset }) => {
      offsets.add(offset)
    })
  return offsets
}

/** Of batches that have records: who looks for the record with that time must find it. */
function maxTimestampOf(batches: readonly RecordBatch[]): number {
  let max = -1
  for (const batch of batches) if (batch.recordCount > 0) max = Math.max(max, batch.maxTimestamp)
  return Math.min(max, timestampMax)
}

function isSound({ bytes }: RecordBatch): boolean {
  if (bytes.length < batchHeaderBytes || bytes[16] !== 2) return false
  return crc32c(bytes.subarray(batchUncheckedBytes)) === bytes.readUInt32BE(17)
}
