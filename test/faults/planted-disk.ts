/** Disks and LevelDBs that look right and are not: what a bug below, or a missing call above, would come to. */
import { setImmediate } from 'node:timers/promises'
import type { Database } from '../../storage/databases.ts'
import type { File, FileSystem } from '../../storage/ports.ts'
import { writeThenSync } from '../../storage/write-then-sync.ts'

const nothing = async (): Promise<void> => {}

/** `disk`, with some calls of the files whose paths match changed. */
function changedFiles(
  disk: FileSystem,
  path: RegExp,
  change: (file: File) => Partial<File>
): FileSystem {
  const changed: FileSystem = Object.create(disk)
  changed.open = async (at, mode) => {
    const file = await disk.open(at, mode)
    if (!path.test(at)) return file
    const made: File = { ...file, ...change(file) }
    made.writevDurable = (buffers, position) => writeThenSync(made, buffers, position)
    return made
  }
  return bound(changed, disk)
}

/** Methods of a class reached through a prototype still need their own object. */
function bound(changed: FileSystem, disk: FileSystem): FileSystem {
  const calls = [
    'makeFolder',
    'list',
    'rename',
    'unlink',
    'syncFolder',
    'linkCount',
    'space'
  ] as const
  for (const call of calls) {
    if (!Object.hasOwn(changed, call))
      Object.assign(changed, { [call]: disk[call].bind(disk as never) })
  }
  if (!Object.hasOwn(changed, 'open')) changed.open = disk.open.bind(disk)
  return changed
}

export const planted = {
  groupsNotSynced: (disk: FileSystem) =>
    changedFiles(disk, /\.segment$/, () => ({ datasync: nothing })),
  segmentsNotSynced: (disk: FileSystem) =>
    changedFiles(disk, /\.segment$/, () => ({ sync: nothing })),
  snapshotsNotSynced: (disk: FileSystem) =>
    changedFiles(disk, /snapshots/, () => ({ sync: nothing })),
  namesNotSynced: (disk: FileSystem) => {
    const changed: FileSystem = Object.create(disk)
    changed.syncFolder = nothing
    return bound(changed, disk)
  },
  /** The mark of an open store is a name in the data folder. */
  markUnseen: (disk: FileSystem) => {
    const changed: FileSystem = Object.create(disk)
    changed.list = async (path) => (await disk.list(path)).filter((name) => name !== 'open')
    return bound(changed, disk)
  },
  syncedTooLate: (disk: FileSystem) =>
    changedFiles(disk, /\.segment$/, (file) => ({
      datasync: async () => {
        for (let turn = 0; turn < 4; turn++) await setImmediate()
        void file.datasync().catch(() => undefined)
      }
    })),
  failedSyncTriedAgain: (disk: FileSystem) =>
    changedFiles(disk, /\.segment$/, (file) => ({
      datasync: () => file.datasync().catch(() => file.datasync())
    })),
  failedWriteIgnored: (disk: FileSystem) =>
    changedFiles(disk, /\.segment$/, (file) => ({
      writev: (buffers, position) => file.writev(buffers, position).catch(ignoreNoSpace)
    })),
  cutTooFar: (disk: FileSystem) =>
    changedFiles(disk, /\.segment$/, (file) => ({
      truncate: (length) => file.truncate(Math.max(length - 100, 4096))
    }))
}

function ignoreNoSpace(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOSPC' && error.code !== 'EIO') throw error
}

interface Write {
  readonly type: 'put' | 'del'
  readonly key: Buffer
  readonly value: Buffer
}

/** The database, but for its batches. */
function withBatch(
  database: Database,
  batch: (
    writes: readonly Write[],
    put: (writes: readonly Write[]) => Promise<void>
  ) => Promise<void>
): Database {
  const put = (writes: readonly Write[]): Promise<void> => database.batch(writes as never)
  return new Proxy(database, {
    get(target, name) {
      if (name === 'batch') return (writes: readonly Write[]) => batch(writes, put)
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

export const plantedView = {
  /** Its mark, which is put last, says more than it holds: the rest follows later. */
  ahead: (database: Database) =>
    withBatch(database, async (writes, put) => {
      void (async () => {
        for (let turn = 0; turn < 40; turn++) await setImmediate()
        await put(writes).catch(() => undefined)
      })()
    }),
  half: (database: Database) =>
    withBatch(database, (writes, put) => put(writes.filter((_, i) => i % 2 === 0)))
}
