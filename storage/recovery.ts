/**
 * Bringing a catalog to where the log ended: rows from LevelDB's view (or, where that cannot be trusted, from the
 * newest snapshot), then the log behind them.
 */
import type { Catalog } from './catalog.ts'
import { OpenError } from './errors.ts'
import type { IndexDb, ViewMark } from './index-db.ts'
import type { KeyTable } from './key-table.ts'
import { groupHeaderBytes, segmentHeaderBytes } from './layout/format.ts'
import { readGroupHeader } from './layout/group.ts'
import { LayoutError } from './layout/layout-error.ts'
import { type Damage, type ScanEnd, scanSegment } from './layout/scan.ts'
import { segmentFileName } from './layout/segment.ts'
import { type NewestSnapshot, snapshotRows } from './newest-snapshot.ts'
import type { File, FileSystem } from './ports.ts'
import { loadRow, Replay, spillTimers } from './replay.ts'
import type { StoredRow } from './state/stored-rows.ts'
import type { SegmentFile } from './store-folder.ts'

export interface RecoveryParts {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly db: IndexDb
  readonly keys: KeyTable
  readonly segments: readonly SegmentFile[]
  readonly runsMax: number
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
}

/** Why LevelDB's view cannot be gone on with; undefined if it can. */
export async function whyViewUnusable(
  parts: RecoveryParts,
  mark: ViewMark | undefined,
  newestSnapshotSequence: number
): Promise<string | undefined> {
  if (mark === undefined) return 'it is empty'
  if (mark.storeId !== parts.storeId.toString('hex')) return 'it belongs to another store'
  if (mark.sequence < newestSnapshotSequence)
    return `it is older (group ${mark.sequence}) than a snapshot (group ${newestSnapshotSequence})`
  const file = parts.segments.find(({ id }) => id === mark.applied.segment)
  if (file?.header === undefined) return `segment ${mark.applied.segment} is not there`
  if (file.bytes < mark.applied.position) return 'it is from after the log ended'
  if (mark.lastGroupPosition < 0) return undefined
  return withSegment(parts, mark.applied.segment, async (handle) => {
    const bytes = Buffer.alloc(groupHeaderBytes)
    await handle.read(bytes, 0, bytes.length, mark.lastGroupPosition)
    const place = { segmentId: mark.applied.segment, position: mark.lastGroupPosition }
    const header = readGroupHeader(bytes, 0, { storeId: parts.storeId, ...place })
    if (header?.sequence !== mark.sequence) return 'the log does not hold the group it ends with'
    return undefined
  })
}

/** Rows from LevelDB, then the log from its address on. Throws what the rows' decoder throws. */
export async function recoverFromView(
  parts: RecoveryParts,
  catalog: Catalog,
  mark: ViewMark
): Promise<Recovered> {
  const rows: StoredRow[] = []
  // There may be more timers than should be in memory together.
  for await (const row of parts.db.rows())
    if (row.family === 'timer') loadRow(catalog, row, false)
    else rows.push(row)
  loadRows(catalog, rows, false)
  const { runsMax, timersMax, db, keys } = parts
  const replay = new Replay(catalog, db, keys, { stateThrough: mark.sequence, runsMax, timersMax })
  replay.lastAppendMs = mark.appendTimeMs
  replay.lastGroupPosition = mark.lastGroupPosition
  const row = catalog.segments.get(mark.applied.segment)
  return follow(parts, catalog, replay, {
    segment: mark.applied.segment,
    position: mark.applied.position,
    sequence: mark.sequence + 1,
    firstSequence: row?.firstSequence ?? mark.sequence + 1,
    durableThrough: mark.sequence
  })
}

/**
 * Rows from the snapshot (or nothing), then the whole log: state from the snapshot on, the index from the beginning.
 * Rejects with OpenError `unrecoverable` where the log that would be needed is not there.
 */
export async function recoverFromLog(
  parts: RecoveryParts,
  catalog: Catalog,
  snapshot: NewestSnapshot | undefined
): Promise<Recovered> {
  await parts.db.clear()
  const onTimer = async (row: StoredRow): Promise<void> => {
    loadRow(catalog, row, true)
    await spillTimers(catalog, parts.db, parts.timersMax)
  }
  if (snapshot !== undefined)
    loadRows(catalog, await snapshotRows(parts.fileSystem, snapshot.path, onTimer), true)
  const stateThrough = snapshot?.header.sequence ?? 0
  const live = [...catalog.segments.keys()].sort((a, b) => a - b)
  const first = live[0] ?? 1
  if (parts.segments.find(({ id }) => id === first)?.header === undefined)
    throw new OpenError(
      'unrecoverable',
      `segment ${first}, the first of the log, is not there${snapshot === undefined ? ', and no snapshot can be read' : ''}`
    )
  const replay = new Replay(catalog, parts.db, parts.keys, {
    stateThrough,
    runsMax: parts.runsMax,
    timersMax: parts.timersMax
  })
  replay.lastAppendMs = snapshot?.header.appendTimeMs ?? 0
  return follow(parts, catalog, replay, {
    segment: first,
    position: segmentHeaderBytes,
    sequence: catalog.segments.get(first)?.firstSequence ?? 1,
    firstSequence: catalog.segments.get(first)?.firstSequence ?? 1,
    durableThrough: stateThrough
  })
}

/** Topics first: the rows of queues, producers and offsets belong to them. */
function loadRows(catalog: Catalog, rows: readonly StoredRow[], isNew: boolean): void {
  for (const row of rows) if (row.family === 'topic') loadRow(catalog, row, isNew)
  for (const row of rows) if (row.family !== 'topic') loadRow(catalog, row, isNew)
  if (isNew) for (const queue of catalog.queues.values()) catalog.dirtyQueues.add(queue)
}

interface Place {
  readonly segment: number
  readonly position: number
  /** Of the group that is due there. */
  readonly sequence: number
  readonly firstSequence: number
  readonly durableThrough: number
}

/** Scans from a place to the end of the log, from footer to next segment. */
async function follow(
  parts: RecoveryParts,
  catalog: Catalog,
  replay: Replay,
  start: Place
): Promise<Recovered> {
  const damages: Damage[] = []
  let place = start
  let bytesScanned = 0
  for (;;) {
    const at = place
    const end = await withSegment(parts, at.segment, (file) =>
      scanSegment(
        file,
        {
          storeId: parts.storeId,
          segmentId: at.segment,
          position: at.position,
          expectedSequence: at.sequence,
          durableThrough: at.durableThrough
        },
        replay
      )
    )
    damages.push(...end.damages)
    bytesScanned += end.position - at.position
    const next = nextSegment(parts, catalog, at.segment, end, damages)
    if (next === undefined) {
      return {
        replay,
        end,
        openSegment: at.segment,
        firstSequence: at.firstSequence,
        sequence: Math.max(end.nextSequence, at.sequence) - 1,
        appendTimeMs: replay.lastAppendMs,
        damages,
        bytesScanned
      }
    }
    noteSealed(catalog, at, end)
    const sequence = Math.max(end.nextSequence, at.sequence)
    place = {
      segment: next,
      position: segmentHeaderBytes,
      sequence,
      firstSequence: sequence,
      durableThrough: Math.max(at.durableThrough, end.lastDurableThrough)
    }
    replay.described = new Map()
    replay.lastGroupPosition = -1
  }
}

function noteSealed(catalog: Catalog, at: Place, end: ScanEnd): void {
  const known = catalog.segments.get(at.segment)
  if (known !== undefined && known.lastSequence >= 0) return
  catalog.putSegment({
    id: at.segment,
    firstSequence: at.firstSequence,
    lastSequence: end.nextSequence - 1,
    dataBytes: end.position
  })
}

/** Where the log goes on after a segment; undefined if it ends there. */
function nextSegment(
  parts: RecoveryParts,
  catalog: Catalog,
  segment: number,
  end: ScanEnd,
  damages: Damage[]
): number | undefined {
  const known = [...catalog.segments.keys()].filter((id) => id > segment).sort((a, b) => a - b)[0]
  const next = end.footer?.nextSegmentId ?? known
  if (next === undefined) return undefined
  if (parts.segments.find(({ id }) => id === next)?.header === undefined)
    throw new OpenError('unrecoverable', `segment ${next} of the log is not there`)
  if (end.footer === undefined) {
    const what = `segment ${segment} ends without its footer`
    damages.push({ segment, fromPosition: end.position, toPosition: end.position, what })
  }
  return next
}

async function withSegment<T>(
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
