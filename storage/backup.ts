/**
 * A backup of an open store: a folder that a start takes for a store, with everything that was acknowledged before the
 * backup began. Sealed segments and snapshots never change, so a second name for their files is enough; of the open
 * segment, and where files cannot have one (another file system), the bytes are copied. LevelDB is left out: it is
 * made anew from these.
 *
 * Until everything in the folder is durable a mark stands in it, and it is refused as a store.
 */
import { dirname, resolve, sep } from 'node:path'
import type { Checkpointer, WrittenSnapshot } from './checkpoint.ts'
import { BackupError } from './errors.ts'
import { segmentFileName } from './layout/segment.ts'
import { snapshotFileName } from './layout/snapshot-write.ts'
import type { Log } from './log.ts'
import { putOpenMark } from './open-mark.ts'
import type { Clock, File, FileSystem, LogSink } from './ports.ts'
import type { Upkeep } from './sealed-group.ts'
import type { SegmentFiles } from './segment-files.ts'
import { foldersOf, unfinishedBackupName } from './store-folder.ts'

/** An open segment that holds less is not sealed for a backup, but copied: frequent backups make no crumbs. */
const bytesToRoll = 1024 * 1024
/** Read and written at a time. */
const copyBytes = 1024 * 1024
/** Snapshots that were begun before the backup may come first. */
const snapshotTriesMax = 4
/** How a file system says that it cannot give a file a second name there. */
const noLinkCodes = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

export interface BackupReport {
  readonly folder: string
  /** The last flush group that is in it. */
  readonly sequence: number
  readonly segments: number
  /** Files that share their blocks with the store's, and files that were copied. */
  readonly linked: number
  readonly copied: number
  /** Of the log. */
  readonly bytes: number
  readonly tookMs: number
}

export interface BackupParts {
  readonly folder: string
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly log: Log
  readonly files: SegmentFiles
  readonly checkpointer: Checkpointer
  readonly logSink: LogSink
  /** Sequence of the newest sealed group. */
  readonly sequence: () => number
  /** A group of the store's own; resolves once it is durable. Rejects with StoreError. */
  readonly upkeep: (upkeep: Upkeep) => Promise<void>
  /** Files that went meanwhile are gone now. */
  readonly onFreed: () => Promise<void>
}

export class Backups {
  readonly #parts: BackupParts
  #running: Promise<BackupReport> | undefined
  #isStopped = false

  constructor(parts: BackupParts) {
    this.#parts = parts
  }

  /** Rejects with BackupError. */
  async make(folder: string): Promise<BackupReport> {
    if (this.#running !== undefined)
      throw new BackupError('busy', 'another backup of this store is being made')
    this.#running = this.#make(resolve(folder))
    try {
      return await this.#running
    } finally {
      this.#running = undefined
    }
  }

  /** Gives up the one that is being made; resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running?.catch(() => undefined)
  }

  async #make(folder: string): Promise<BackupReport> {
    const { clock, files, logSink, onFreed } = this.#parts
    const startedMs = clock.monotonicMs()
    await this.#refuseTaken(folder)
    files.hold()
    try {
      const done = await new Backup(this.#parts, folder, () => this.#mustGoOn()).make()
      const tookMs = Math.round(clock.monotonicMs() - startedMs)
      const report: BackupReport = { folder, ...done, tookMs }
      logSink('info', 'backup-made', { ...report })
      return report
    } catch (error) {
      const reason = (error as Error).message
      logSink('warn', 'backup-failed', { folder, reason })
      const text = `the backup in ${folder} was given up, and is marked as unfinished: ${reason}`
      throw new BackupError('unfinished', text, { cause: error })
    } finally {
      await files.letGo().catch((error: Error) => {
        logSink('warn', 'segment-not-removed', { reason: error.message })
      })
      await onFreed().catch(() => undefined)
    }
  }

  async #refuseTaken(folder: string): Promise<void> {
    const { fileSystem } = this.#parts
    const own = resolve(this.#parts.folder)
    if (folder === own || folder.startsWith(own + sep))
      throw new BackupError('folder-taken', `${folder} is within the folder of the store`)
    const parent = dirname(folder)
    await fileSystem.list(parent).catch((error: Error) => {
      throw new BackupError('no-parent', `${parent} cannot be read: ${error.message}`)
    })
    const names = await fileSystem.list(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw new BackupError('folder-taken', `${folder} cannot be read: ${error.message}`)
    })
    if (names.length > 0)
      throw new BackupError('folder-taken', `${folder} is not empty: nothing is written over`)
  }

  #mustGoOn(): void {
    if (this.#isStopped) throw new Error('the store is being closed')
  }
}

class Backup {
  readonly #parts: BackupParts
  readonly #folder: string
  /** Throws where there is no more time. */
  readonly #mustGoOn: () => void
  readonly #counts = { linked: 0, copied: 0, bytes: 0 }

  constructor(parts: BackupParts, folder: string, mustGoOn: () => void) {
    this.#parts = parts
    this.#folder = folder
    this.#mustGoOn = mustGoOn
  }

  async make(): Promise<Omit<BackupReport, 'folder' | 'tookMs'>> {
    const { fileSystem, clock } = this.#parts
    await this.#begin()
    const snapshot = await this.#takeSnapshots()
    for (const row of snapshot.segments) {
      this.#mustGoOn()
      const name = segmentFileName(row.id)
      if (row.id === snapshot.address.segment)
        await this.#copy('log', name, snapshot.address.position)
      else await this.#share('log', name)
    }
    const { log, snapshots } = foldersOf(this.#folder)
    for (const path of [log, snapshots]) await fileSystem.syncFolder(path)
    const backedUpMs = clock.now()
    await putOpenMark(fileSystem, this.#folder, { flushMode: 'async', bootId: '', backedUpMs })
    await fileSystem.unlink(`${this.#folder}/${unfinishedBackupName}`)
    await fileSystem.syncFolder(this.#folder)
    return { sequence: snapshot.sequence, segments: snapshot.segments.length, ...this.#counts }
  }

  /** The folder with its mark, durable before anything else is in it. */
  async #begin(): Promise<void> {
    const { fileSystem } = this.#parts
    await fileSystem.makeFolder(this.#folder)
    const mark = await fileSystem.open(`${this.#folder}/${unfinishedBackupName}`, 'create')
    try {
      await mark.sync()
    } finally {
      await mark.close()
    }
    await fileSystem.syncFolder(this.#folder)
    await fileSystem.syncFolder(dirname(this.#folder))
    const { log, snapshots } = foldersOf(this.#folder)
    for (const path of [log, snapshots]) await fileSystem.makeFolder(path)
    await fileSystem.syncFolder(this.#folder)
  }

  /** A new snapshot of all that is acknowledged by now, and the one before it. */
  async #takeSnapshots(): Promise<WrittenSnapshot> {
    const { checkpointer, log, upkeep, sequence } = this.#parts
    await upkeep({ dropSegments: [], roll: log.segment.position >= bytesToRoll })
    const wanted = sequence()
    for (let tries = 0; tries < snapshotTriesMax; tries++) {
      this.#mustGoOn()
      if ((checkpointer.lastWritten?.sequence ?? -1) >= wanted) break
      await checkpointer.snapshotNow()
    }
    // None is removed meanwhile.
    await checkpointer.hold()
    try {
      const { lastWritten, snapshots } = checkpointer
      if (lastWritten === undefined || lastWritten.sequence < wanted)
        throw new Error('the store takes no snapshot any more')
      for (const one of snapshots) await this.#share('snapshots', snapshotFileName(one))
      return lastWritten
    } finally {
      checkpointer.release()
    }
  }

  /** A second name for a file that never changes, or a copy of it. */
  async #share(within: 'log' | 'snapshots', name: string): Promise<void> {
    const { fileSystem } = this.#parts
    const from = `${foldersOf(this.#parts.folder)[within]}/${name}`
    try {
      await fileSystem.link(from, `${foldersOf(this.#folder)[within]}/${name}`)
    } catch (error) {
      if (!noLinkCodes.has((error as NodeJS.ErrnoException).code ?? '')) throw error
      return await this.#copy(within, name, undefined)
    }
    this.#counts.linked++
    if (within === 'snapshots') return
    const file = await fileSystem.open(from, 'read')
    try {
      this.#counts.bytes += await file.size()
    } finally {
      await file.close()
    }
  }

  /** Copies the first `bytes` of a file, or all of it. */
  async #copy(within: 'log' | 'snapshots', name: string, bytes: number | undefined): Promise<void> {
    const { fileSystem } = this.#parts
    const source = await fileSystem.open(`${foldersOf(this.#parts.folder)[within]}/${name}`, 'read')
    try {
      const target = await fileSystem.open(`${foldersOf(this.#folder)[within]}/${name}`, 'create')
      try {
        const end = bytes ?? (await source.size())
        await this.#copyBytes(source, target, end)
        await target.sync()
        this.#counts.copied++
        if (within === 'log') this.#counts.bytes += end
      } finally {
        await target.close()
      }
    } finally {
      await source.close()
    }
  }

  async #copyBytes(source: File, target: File, end: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(copyBytes, end))
    for (let at = 0; at < end; ) {
      this.#mustGoOn()
      const wanted = Math.min(buffer.length, end - at)
      const got = await source.read(buffer, 0, wanted, at)
      if (got < wanted) throw new Error('a file of the store is shorter than it was')
      await target.writev([buffer.subarray(0, got)], at)
      at += got
    }
  }
}
