import { IndexDb, openLevel } from './index-db.ts'
import type { FileSystem } from './ports.ts'
import { foldersOf } from './store-folder.ts'

/**
 * Rejects with OpenError `locked` where a process has the store open: what is read of its files meanwhile means nothing.
 * LevelDB's lock is the store's; a store without its index folder is not open.
 */
export async function refuseOpenStore(fileSystem: FileSystem, folder: string): Promise<void> {
  const { index } = foldersOf(folder)
  const names = await fileSystem.list(index).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw error
  })
  if (!names.includes('CURRENT')) return
  const db = await IndexDb.open(openLevel(index))
  await db.close()
}
