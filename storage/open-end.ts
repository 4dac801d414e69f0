/** Where the log goes on after an open: its last segment, cut behind its end, with all that was read made durable. */
import { segmentFooterBytes, segmentHeaderBytes } from './layout/format.ts'
import { segmentFileName } from './layout/segment.ts'
import type { Recovered } from './live-segments.ts'
import { createSegment, type OpenSegment } from './log.ts'
import type { File, FileSystem } from './ports.ts'
import type { CutTail } from './recovery-report.ts'

/** Opens the log's last segment for writing, cuts what follows its end, and makes all that was read durable. */
export async function openEnd(
  fileSystem: FileSystem,
  folder: string,
  recovered: Recovered,
  storeId: Buffer,
  nowMs: number
): Promise<{ segment: OpenSegment; cut: CutTail | undefined }> {
  const { end, openSegment, firstSequence, replay, footer } = recovered
  // A process that was killed within a roll may not have had it fsynced; what follows stands behind it.
  if (footer !== undefined) await rewriteFooter(fileSystem, folder, footer)
  const file =
    recovered.beginsSegment === true
      ? await createSegment(fileSystem, folder, storeId, openSegment, nowMs)
      : await fileSystem.open(`${folder}/${segmentFileName(openSegment)}`, 'write')
  const position = Math.max(end.position, segmentHeaderBytes)
  let cut: CutTail | undefined
  if (end.torn !== undefined) cut = { segment: openSegment, ...end.torn }
  if ((await file.size()) > position) await file.truncate(position)
  const unproven = replay.firstUnproven(openSegment, end.lastDurableThrough)
  if (unproven !== undefined) await rewrite(file, unproven, position)
  await file.sync()
  await fileSystem.syncFolder(folder)
  const { described, lastGroupPosition } = replay
  return {
    segment: { id: openSegment, file, position, firstSequence, lastGroupPosition, described },
    cut
  }
}

async function rewriteFooter(
  fileSystem: FileSystem,
  folder: string,
  { segment, position }: NonNullable<Recovered['footer']>
): Promise<void> {
  const file = await fileSystem.open(`${folder}/${segmentFileName(segment)}`, 'write')
  try {
    await rewrite(file, position, position + segmentFooterBytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Read and written at a time when the log's end is made durable. */
const rewriteBytes = 1024 * 1024

/**
 * Writes a stretch of the file over itself. After an fsync that failed, the page cache may hold what the disk does not,
 * and call it clean: only writing it again makes the next fsync mean it.
 */
async function rewrite(file: File, from: number, to: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(rewriteBytes, to - from))
  for (let at = from; at < to; ) {
    const got = await file.read(buffer, 0, Math.min(buffer.length, to - at), at)
    if (got === 0) return
    await file.writev([buffer.subarray(0, got)], at)
    at += got
  }
}
