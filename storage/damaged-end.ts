/** Segments whose footer cannot be read: what they held, and where the log goes on behind them. */
import { groupHeaderBytes, segmentHeaderBytes } from './layout/format.ts'
import { readGroupHeader } from './layout/group.ts'
import type { Damage, ScanEnd } from './layout/scan.ts'
import { segmentFileName } from './layout/segment.ts'
import type { FileSystem } from './ports.ts'
import { isCopy, type SegmentFile } from './store-folder.ts'

export function noFooter(segment: number, { position }: ScanEnd): Damage {
  const what = `segment ${segment} ends without its footer`
  return { segment, fromPosition: position, toPosition: position, what }
}

/**
 * A damaged end takes all for lost that is known to have been durable, and that may be more than the segment held:
 * what the segment after it begins with (`next`, where that is known) was not in it.
 */
export function endBefore(end: ScanEnd, next: number | undefined): ScanEnd {
  const damage = end.damages.at(-1)
  if (end.footer !== undefined || next === undefined || damage?.sequences === undefined) return end
  if (end.nextSequence <= next) return end
  const sequences = { ...damage.sequences, last: next - 1 }
  const damages = [...end.damages.slice(0, -1), { ...damage, sequences }]
  return { ...end, damages, nextSequence: next }
}

interface LogFiles {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly segments: readonly SegmentFile[]
}

/**
 * The segment that follows one that seems to be the last. A roll that was cut off leaves an empty file behind it; one
 * that begins with a group was gone on in, which it would not have been before the footer was durable: the damage is
 * added to `damages`.
 */
export async function segmentBehind(
  { fileSystem, folder, storeId, segments }: LogFiles,
  segment: number,
  end: ScanEnd,
  damages: Damage[]
): Promise<number | undefined> {
  if (end.footer !== undefined) return undefined
  const file = segments.find((one) => one.id > segment && !isCopy(one))
  if (file?.header === undefined) return undefined
  const bytes = Buffer.alloc(groupHeaderBytes)
  const handle = await fileSystem.open(`${folder}/${segmentFileName(file.id)}`, 'read')
  try {
    await handle.read(bytes, 0, bytes.length, segmentHeaderBytes)
  } finally {
    await handle.close()
  }
  const place = { storeId, segmentId: file.id, position: segmentHeaderBytes }
  if (readGroupHeader(bytes, 0, place) === undefined) return undefined
  damages.push(noFooter(segment, end))
  return file.id
}
