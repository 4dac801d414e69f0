/**
 * A segment whose header is damaged says who it is all the same: its groups name store, segment and position under
 * their own checksums. From them the header is written anew.
 */
import {
  formatVersion,
  groupHeaderBytes,
  incompatibleFeatures,
  segmentHeaderBytes,
  storeIdBytes
} from '../layout/format.ts'
import { readGroupHeader } from '../layout/group.ts'
import { encodeSegmentHeader, segmentFileName } from '../layout/segment.ts'
import type { GroupHeader } from '../layout/types.ts'
import type { File, FileSystem } from '../ports.ts'
import { listSegments } from '../store-folder.ts'

/** Where a group's header has the store's id. */
const storeIdAt = 16

/** Writes headers anew where the first group is sound; returns the segments. Rejects as the file system does. */
export async function healHeaders(fileSystem: FileSystem, folder: string): Promise<number[]> {
  const healed: number[] = []
  for (const { id, header } of await listSegments(fileSystem, folder)) {
    if (header !== undefined) continue
    const file = await fileSystem.open(`${folder}/${segmentFileName(id)}`, 'write')
    try {
      if (await heal(file, id)) healed.push(id)
    } finally {
      await file.close()
    }
  }
  return healed
}

async function heal(file: File, segmentId: number): Promise<boolean> {
  const bytes = Buffer.alloc(groupHeaderBytes)
  await file.read(bytes, 0, bytes.length, segmentHeaderBytes)
  const storeId = Buffer.from(bytes.subarray(storeIdAt, storeIdAt + storeIdBytes))
  const position = segmentHeaderBytes
  const group = readGroupHeader(bytes, 0, { storeId, segmentId, position })
  if (group === undefined) return false
  const header = encodeSegmentHeader({
    formatVersion,
    compatible: 0,
    incompatible: isCopied(group) ? incompatibleFeatures.copied : 0,
    storeId,
    segmentId,
    createdMs: group.appendTimeMs
  })
  await file.writev([header], 0)
  await file.sync()
  return true
}

/** The groups of a cleaner's copy count from 1; of the log only the first segment begins so. */
function isCopied({ sequence, segmentId }: GroupHeader): boolean {
  return sequence === 1 && segmentId !== 1
}
