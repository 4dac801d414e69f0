/** How LevelDB is opened and removed, and what stands in its place in tests. */
import { Level } from 'level'

/** A LevelDB, or what behaves like one in tests. */
export type Database = Level<Buffer, Buffer>

/** How a database is opened, and what is in the way of one removed. */
export interface Databases {
  readonly open: () => Database
  /** Removes all files of a database that cannot be opened or is not wanted any more. Reads none of them. */
  readonly destroy: () => Promise<void>
}

export interface OpeningOptions {
  /** Why what is there is not to be opened, but made anew; undefined where nothing is against it. */
  readonly anew?: string | undefined
  /** Everything is read before anything is gone on with. */
  readonly readAll?: boolean
  /** Told when an open has all that it wants of the database, and when it is closed. */
  readonly lives?: { opened(): Promise<void>; end(): Promise<void> }
}

/** Opens (and locks) the database in the folder; making it if it is not there. */
export function openLevel(path: string): Database {
  return new Level<Buffer, Buffer>(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    // Index blocks and rows are small; what readers need often is cached decoded.
    cacheSize: 4 * 1024 * 1024,
    writeBufferSize: 4 * 1024 * 1024
  })
}

/** Its types leave it out. */
const { destroy: destroyLevel } = Level as unknown as { destroy(path: string): Promise<void> }

export function levelAt(path: string): Databases {
  return { open: () => openLevel(path), destroy: () => destroyLevel(path) }
}

/** A database of a test's, which stays one object. */
export function sameDatabase(db: Database): Databases {
  const destroy = async (): Promise<void> => {
    await db.open()
    await db.clear()
    await db.close()
  }
  return { open: () => db, destroy }
}
