/**
 * What stands in the place of records that were lost: batches without a record, as Kafka's own compaction leaves them
 * where it must keep offsets. Readers step over them, and no offset is missing in the queue.
 */
import { batchHeaderBytes, batchUncheckedBytes } from '../batch/record-batch.ts'
import { crcOf } from '../layout/crc.ts'
import { writeInt64 } from '../layout/integers.ts'
import { runHeaderBytes, writeRunHeader } from '../layout/run.ts'
import type { RunHeader } from '../layout/types.ts'

/** The most offsets that one batch can stand for. */
const offsetsMax = 2 ** 31 - 1

/** An empty batch for the offsets from `from` to before `to`, fewer than 2^31. */
function fillerBatch(from: number, to: number, leaderEpoch: number): Buffer {
  const bytes = Buffer.alloc(batchHeaderBytes)
  writeInt64(bytes, 0, from)
  bytes.writeInt32BE(batchHeaderBytes - 12, 8)
  bytes.writeInt32BE(leaderEpoch, 12)
  bytes[16] = 2
  bytes.writeInt32BE(to - from - 1, 23)
  // No time (base and max), and no producer (id, epoch, sequence): all -1.
  bytes.fill(0xff, 27, 57)
  bytes.writeUInt32BE(crcOf(bytes, batchUncheckedBytes, bytes.length), 17)
  return bytes
}

/** Empty batches for the offsets from `from` to before `to`. */
export function fillerBatches(from: number, to: number, leaderEpoch: number): Buffer[] {
  const batches: Buffer[] = []
  for (let at = from; at < to; at += offsetsMax)
    batches.push(fillerBatch(at, Math.min(to, at + offsetsMax), leaderEpoch))
  return batches
}

/** A run of these batches: header and all. What `run` says of batches and bytes is what they say. */
export function encodeRun(
  run: Omit<RunHeader, 'batchCount' | 'batchBytes'>,
  batches: readonly Buffer[]
): Buffer {
  const batchBytes = batches.reduce((sum, batch) => sum + batch.length, 0)
  const header = Buffer.alloc(runHeaderBytes(run))
  writeRunHeader(header, 0, { ...run, batchCount: batches.length, batchBytes }, batches)
  return Buffer.concat([header, ...batches])
}
