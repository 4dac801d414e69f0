/**
 * The mark of an open store: a small file that is there, durably, from before the first write until a clean close. Not
 * in LevelDB, which may be lost or restored from an older copy just when the mark is needed.
 */
import type { FileSystem } from './ports.ts'

export interface OpenMark {
  readonly flushMode: string
  /** The machine's boot that had the store open; '' where it cannot be known. */
  readonly bootId: string
  /** The folder is a backup that nobody has opened yet: when it was made, ms since the epoch. */
  readonly backedUpMs?: number
  /** State was given up: epochs and ids that clients know may be unknown to the store. */
  readonly stateLost?: boolean
}

const fileName = 'open'
const freshName = 'open.new'
/** More than any mark has. */
const bytesMax = 4096

/** Nothing can be taken for granted: whoever opens a store with this mark lets the epochs rise. */
export const doubtfulMark: OpenMark = { flushMode: 'async', bootId: '' }

/** The mark that an earlier open left; undefined after a clean close. */
export async function readOpenMark(
  fileSystem: FileSystem,
  folder: string
): Promise<OpenMark | undefined> {
  if (!(await fileSystem.list(folder)).includes(fileName)) return undefined
  const file = await fileSystem.open(`${folder}/${fileName}`, 'read')
  try {
    const bytes = Buffer.alloc(Math.min(await file.size(), bytesMax))
    await file.read(bytes, 0, bytes.length, 0)
    const read = JSON.parse(bytes.toString()) as Partial<OpenMark>
    const { flushMode, bootId, backedUpMs, stateLost } = read
    if (typeof flushMode !== 'string' || typeof bootId !== 'string') return doubtfulMark
    return {
      flushMode,
      bootId,
      ...(backedUpMs === undefined ? {} : { backedUpMs }),
      ...(stateLost === true ? { stateLost } : {})
    }
  } catch (error) {
    if (error instanceof SyntaxError) return doubtfulMark
    throw error
  } finally {
    await file.close()
  }
}

/** Says that the store is open; at no moment is there neither this mark nor the one before. */
export async function putOpenMark(
  fileSystem: FileSystem,
  folder: string,
  mark: OpenMark
): Promise<void> {
  if ((await fileSystem.list(folder)).includes(freshName))
    await fileSystem.unlink(`${folder}/${freshName}`)
  const file = await fileSystem.open(`${folder}/${freshName}`, 'create')
  try {
    await file.writev([Buffer.from(JSON.stringify(mark))], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await fileSystem.rename(`${folder}/${freshName}`, `${folder}/${fileName}`)
  await fileSystem.syncFolder(folder)
}

/** Says that the store was closed cleanly. */
export async function removeOpenMark(fileSystem: FileSystem, folder: string): Promise<void> {
  if (!(await fileSystem.list(folder)).includes(fileName)) return
  await fileSystem.unlink(`${folder}/${fileName}`)
  await fileSystem.syncFolder(folder)
}
