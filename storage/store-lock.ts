import { openLevel } from './databases.ts'
import { OpenError } from './errors.ts'
import { whyLocked } from './level-errors.ts'
import type { FileSystem } from './ports.ts'
import { foldersOf } from './store-folder.ts'

/**
 * Rejects with OpenError `locked` where a process has the store open: what is read of its files meanwhile means nothing.
 * LevelDB's lock is the store's; a store without its index folder is not open, and a damaged one not either.
 */
export async function refuseOpenStore(fileSystem: FileSystem, folder: string): Promise<void> {
  const { index } = foldersOf(folder)
  if (!(await hasDatabase(fileSystem, index))) return
  const db = openLevel(index)
  try {
    await db.open()
  } catch (error) {
    const why = whyLocked(error)
    if (why !== undefined) throw new OpenError('locked', why, { cause: error })
  } finally {
    await db.close()
  }
}

/** Whether there is one in the folder, which an open would else make. */
export async function hasDatabase(fileSystem: FileSystem, folder: string): Promise<boolean> {
  const names = await fileSystem.list(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw error
  })
  return names.includes('CURRENT')
}
