/** What any recovery works on: the segments that are there, and reading one of them into a replay. */
import type { Catalog } from './catalog.ts'
import { OpenError } from './errors.ts'
import type { IndexDb } from './index-db.ts'
import type { KeyTable } from './key-table.ts'
import { LayoutError } from './layout/layout-error.ts'
import { type Damage, type ScanEnd, type ScannedGroup, scanSegment } from './layout/scan.ts'
import { segmentFileName } from './layout/segment.ts'
import { type NewestSnapshot, snapshotRows } from './newest-snapshot.ts'
import type { File, FileSystem } from './ports.ts'
import { loadRow, type Replay, spillTimers } from './replay.ts'
import type { SegmentUsage } from './segment-usage.ts'
import type { SegmentRow, StoredRow } from './state/stored-rows.ts'
import { isCopy, type SegmentFile } from './store-folder.ts'

export interface RecoveryParts {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly db: IndexDb
  readonly keys: KeyTable
  readonly usage: SegmentUsage
  readonly segments: readonly SegmentFile[]
  /** Index entries in memory where a whole log is read ... */
  readonly runsMax: number
  /** ... and where only what stands behind the view, of which there is no more. */
  readonly entriesMax: number
  readonly timersMax: number
}

export interface Recovered {
  readonly replay: Replay
  readonly end: ScanEnd
  /** The segment that the log goes on in. */
  readonly openSegment: number
  readonly firstSequence: number
  readonly sequence: number
  readonly appendTimeMs: number
  readonly damages: readonly Damage[]
  readonly bytesScanned: number
  /** The newest footer that was read: of the segment before the open one. */
  readonly footer: { readonly segment: number; readonly position: number } | undefined
  /** The segment that the log goes on in is not there yet. */
  readonly beginsSegment?: boolean
}

export interface Place {
  readonly segment: number
  readonly position: number
  /** Of the group that is due there. */
  readonly sequence: number
  readonly firstSequence: number
  readonly durableThrough: number
}

/** The live segments in the order of what they hold: a copy stands where its sources stood. */
export function byPlace({ segments }: Catalog): SegmentRow[] {
  return [...segments.values()].sort((a, b) => a.firstSequence - b.firstSequence)
}

export function scanOne(parts: RecoveryParts, replay: Replay, at: Place): Promise<ScanEnd> {
  const { storeId } = parts
  const { segment: segmentId, position } = at
  return withSegment(parts, segmentId, (file) => {
    if (!isCopyAt(parts, segmentId)) {
      const { sequence: expectedSequence, durableThrough } = at
      const options = { storeId, segmentId, position, expectedSequence, durableThrough }
      return scanSegment(file, options, replay)
    }
    const durableThrough = Number.MAX_SAFE_INTEGER
    const sink = {
      group: (group: ScannedGroup) => replay.copiedGroup(group, at.firstSequence)
    }
    return scanSegment(file, { storeId, segmentId, position, durableThrough }, sink)
  })
}

/** All rows of a snapshot; LevelDB, which is empty, gets timers that are too many for memory. */
export async function loadSnapshot(
  { fileSystem, db, timersMax }: RecoveryParts,
  catalog: Catalog,
  snapshot: NewestSnapshot | undefined
): Promise<void> {
  if (snapshot === undefined) return
  const onTimer = async (row: StoredRow): Promise<void> => {
    loadRow(catalog, row, true)
    await spillTimers(catalog, db, timersMax)
  }
  loadRows(catalog, await snapshotRows(fileSystem, snapshot.path, onTimer), true)
}

/** Topics first: the rows of queues, producers and offsets belong to them. */
export function loadRows(catalog: Catalog, rows: readonly StoredRow[], isNew: boolean): void {
  for (const row of rows) if (row.family === 'topic') loadRow(catalog, row, isNew)
  for (const row of rows) if (row.family !== 'topic') loadRow(catalog, row, isNew)
  if (isNew) for (const queue of catalog.queues.values()) catalog.dirtyQueues.add(queue)
}

export function isCopyAt({ segments }: RecoveryParts, id: number): boolean {
  const file = segments.find((one) => one.id === id)
  return file !== undefined && isCopy(file)
}

export function isThere({ segments }: RecoveryParts, id: number): boolean {
  return segments.find((one) => one.id === id)?.header !== undefined
}

export async function withSegment<T>(
  parts: RecoveryParts,
  segment: number,
  work: (file: File) => Promise<T>
): Promise<T> {
  const path = `${parts.folder}/${segmentFileName(segment)}`
  const file = await parts.fileSystem.open(path, 'read')
  try {
    return await work(file)
  } catch (error) {
    if (error instanceof LayoutError && error.code === 'unsupported')
      throw new OpenError('unsupported-format', `${path}: ${error.message}`, { cause: error })
    throw error
  } finally {
    await file.close()
  }
}
