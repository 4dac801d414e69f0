/** What is in a store's folder, before anything in it is touched. */
import { OpenError } from './errors.ts'
import { indexLivesName } from './index-lives.ts'
import {
  incompatibleFeatures,
  segmentHeaderBytes,
  segmentHeaderFieldBytes
} from './layout/format.ts'
import {
  decodeSegmentHeader,
  parseSegmentFileName,
  segmentFileName,
  whyUnsupported
} from './layout/segment.ts'
import type { SegmentHeader } from './layout/types.ts'
import type { FileSystem } from './ports.ts'

export interface SegmentFile {
  readonly id: number
  /** Undefined: the file is shorter than a header, or nothing but zeros. */
  readonly header: SegmentHeader | undefined
  /** Why the header cannot be read, where it is neither of these. */
  readonly fault: string | undefined
  readonly bytes: number
}

/** Whether it is a cleaner's copy, which is no part of the chain of footers. */
export function isCopy({ header }: SegmentFile): boolean {
  return ((header?.incompatible ?? 0) & incompatibleFeatures.copied) !== 0
}

/** Where a store keeps what, in its data folder. */
export function foldersOf(folder: string): { log: string; index: string; snapshots: string } {
  return { log: `${folder}/log`, index: `${folder}/index`, snapshots: `${folder}/snapshots` }
}

/** What a store makes in its data folder. */
const ownNames = new Set([
  'log',
  'index',
  'snapshots',
  'open',
  'open.new',
  indexLivesName,
  'control'
])

/** Stands in a backup's folder until all of it is durable. */
export const unfinishedBackupName = 'backup-unfinished'

/** Rejects with OpenError not-a-store for a folder that holds other things than a store, or half a backup. */
export async function refuseForeignFolder(fileSystem: FileSystem, folder: string): Promise<void> {
  const names = await fileSystem.list(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw new OpenError('io-failed', `${folder} cannot be read: ${error.message}`, { cause: error })
  })
  const seen = names.filter((name) => name !== 'lost+found')
  if (names.includes(unfinishedBackupName))
    throw new OpenError(
      'not-a-store',
      `${folder} holds a backup that was not finished: remove it, and make another`
    )
  // A first start that was cut off may have left any of them.
  if (seen.length > 0 && !seen.some((name) => ownNames.has(name)))
    throw new OpenError('not-a-store', `${folder} is not empty and holds no Isthmus store`)
}

/** The segment files, ascending by id. Rejects with OpenError for one that this version must leave alone. */
export async function listSegments(fileSystem: FileSystem, folder: string): Promise<SegmentFile[]> {
  const files: SegmentFile[] = []
  for (const name of await fileSystem.list(folder)) {
    const id = parseSegmentFileName(name)
    if (id !== undefined) files.push(await inspect(fileSystem, folder, id))
  }
  return files.sort((a, b) => a.id - b.id)
}

async function inspect(fileSystem: FileSystem, folder: string, id: number): Promise<SegmentFile> {
  const path = `${folder}/${segmentFileName(id)}`
  const file = await fileSystem.open(path, 'read')
  try {
    const bytes = await file.size()
    const head = Buffer.alloc(Math.min(bytes, segmentHeaderBytes))
    await file.read(head, 0, head.length, 0)
    if (head.length < segmentHeaderFieldBytes || head.every((byte) => byte === 0))
      return { id, header: undefined, fault: undefined, bytes }
    const header = decodeSegmentHeader(head)
    if (typeof header === 'string') return { id, header: undefined, fault: header, bytes }
    const why = whyUnsupported(header)
    if (why !== undefined) throw new OpenError('unsupported-format', `${path}: ${why}`)
    return { id, header, fault: undefined, bytes }
  } finally {
    await file.close()
  }
}

/** The one store id that all headers agree on; undefined where there is none. */
export function storeIdOf(files: readonly SegmentFile[]): Buffer | undefined {
  let storeId: Buffer | undefined
  for (const { id, header } of files) {
    if (header === undefined) continue
    storeId ??= header.storeId
    if (!header.storeId.equals(storeId))
      throw new OpenError('not-a-store', `segment ${id} belongs to another store`)
  }
  return storeId
}
