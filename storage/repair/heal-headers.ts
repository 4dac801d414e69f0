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
import { scanSegment } from '../layout/scan.ts'
import { encodeSegmentHeader, segmentFileName } from '../layout/segment.ts'
import type { GroupHeader } from '../layout/types.ts'
import type { File, FileSystem } from '../ports.ts'
import { listSegments, storeIdOf } from '../store-folder.ts'

/** Where a group's header has the store's id. */
const storeIdAt = 16

/** What a header says that is not the same in all. */
interface Identity {
  readonly storeId: Buffer
  readonly isCopied: boolean
  readonly createdMs: number
}

/** Writes headers anew where a group is sound; returns the segments. Rejects as the file system does. */
export async function healHeaders(fileSystem: FileSystem, folder: string): Promise<number[]> {
  const healed: number[] = []
  const files = await listSegments(fileSystem, folder)
  for (const { id, header } of files) {
    if (header !== undefined) continue
    const file = await fileSystem.open(`${folder}/${segmentFileName(id)}`, 'write')
    try {
      const found = (await byFirstGroup(file, id)) ?? (await byAnyGroup(file, id, storeIdOf(files)))
      if (found === undefined) continue
      await heal(file, id, found)
      healed.push(id)
    } finally {
      await file.close()
    }
  }
  return healed
}

async function heal(
  file: File,
  segmentId: number,
  { storeId, isCopied, createdMs }: Identity
): Promise<void> {
  const header = encodeSegmentHeader({
    formatVersion,
    compatible: 0,
    incompatible: isCopied ? incompatibleFeatures.copied : 0,
    storeId,
    segmentId,
    createdMs
  })
  await file.writev([header], 0)
  await file.sync()
}

/** The first group says the store's id, too. */
async function byFirstGroup(file: File, segmentId: number): Promise<Identity | undefined> {
  const bytes = Buffer.alloc(groupHeaderBytes)
  await file.read(bytes, 0, bytes.length, segmentHeaderBytes)
  const storeId = Buffer.from(bytes.subarray(storeIdAt, storeIdAt + storeIdBytes))
  const position = segmentHeaderBytes
  const group = readGroupHeader(bytes, 0, { storeId, segmentId, position })
  if (group === undefined) return undefined
  // The groups of a cleaner's copy count from 1; of the log only the first segment begins so.
  const isCopied = group.sequence === 1 && segmentId !== 1
  return { storeId, isCopied, createdMs: group.appendTimeMs }
}

/** Where that is damaged as well, others are looked for, of the store that the other segments belong to. */
async function byAnyGroup(
  file: File,
  segmentId: number,
  storeId: Buffer | undefined
): Promise<Identity | undefined> {
  if (storeId === undefined) return undefined
  let first: GroupHeader | undefined
  const place = { storeId, segmentId, position: segmentHeaderBytes }
  const { footer } = await scanSegment(
    file,
    { ...place, durableThrough: Number.MAX_SAFE_INTEGER },
    {
      group: ({ header }) => {
        first ??= header
      }
    }
  )
  if (first === undefined) return undefined
  // A copy joins the live set with its footer, which names no next segment.
  return { storeId, isCopied: footer?.nextSegmentId === 0, createdMs: first.appendTimeMs }
}
