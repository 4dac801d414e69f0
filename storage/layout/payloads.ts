import { batchUncheckedBytes } from '../batch/record-batch.ts'
import type { BatchHead } from './batch-head.ts'
import { crcOf } from './crc.ts'
import type { FileWindow } from './file-window.ts'
import type { GroupEntry } from './group-entries.ts'

/** How much of a large batch is in memory at once. */
const stepBytes = 256 * 1024

/** Whether the batch's bytes from 21 on match the CRC in its header. */
export async function isPayloadSound(window: FileWindow, batch: BatchHead): Promise<boolean> {
  const end = batch.position + batch.bytes
  let crc = 0
  for (let position = batch.position + batchUncheckedBytes; position < end; ) {
    const count = Math.min(stepBytes, end - position)
    let at = window.at(position, count)
    if (at < 0) at = await window.load(position, count)
    crc = crcOf(window.bytes, at, at + count, crc)
    position += count
  }
  return crc === batch.crc
}

/** The first batch of a group whose records do not match their CRC. */
export async function findUnsoundPayload(
  window: FileWindow,
  entries: readonly GroupEntry[]
): Promise<BatchHead | undefined> {
  for (const entry of entries) {
    if (entry.kind !== 'run') continue
    for (const batch of entry.batches) {
      if (!(await isPayloadSound(window, batch))) return batch
    }
  }
  return undefined
}
