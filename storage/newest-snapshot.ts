import { OpenError } from './errors.ts'
import {
  checkSnapshot,
  listSnapshots,
  readSnapshot,
  type SnapshotHeader
} from './layout/snapshot.ts'
import type { FileSystem, LogSink } from './ports.ts'
import type { StoredRow } from './state/stored-rows.ts'

export interface NewestSnapshot {
  readonly header: SnapshotHeader
  readonly path: string
}

/**
 * The newest snapshot that can be read; damaged ones are passed over and logged. Rejects with OpenError for one of a
 * newer version or of another store.
 */
export async function newestSnapshot(
  fileSystem: FileSystem,
  folder: string,
  storeId: Buffer,
  log: LogSink
): Promise<NewestSnapshot | undefined> {
  for (const { name } of await listSnapshots(fileSystem, folder)) {
    const path = `${folder}/${name}`
    const found = await checkSnapshot(fileSystem, path, {})
    if ('why' in found) {
      if (found.unsupported) throw new OpenError('unsupported-format', `${path}: ${found.why}`)
      log('warn', 'snapshot-unreadable', { path, reason: found.why })
      continue
    }
    if (!found.storeId.equals(storeId))
      throw new OpenError('not-a-store', `${path} belongs to another store than the log`)
    return { header: found, path }
  }
  return undefined
}

/** All rows of a snapshot that newestSnapshot found readable, but timers, which `onTimer` gets one by one. */
export async function snapshotRows(
  fileSystem: FileSystem,
  path: string,
  onTimer: (row: StoredRow) => Promise<void>
): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  const read = await readSnapshot(fileSystem, path, {}, async (row) => {
    if (row.family === 'timer') await onTimer(row)
    else rows.push(row)
  })
  if ('why' in read) throw new OpenError('unrecoverable', `${path}: ${read.why}`)
  return rows
}
