/**
 * Bringing a catalog to where the log ended: rows from LevelDB's view (or, where that cannot be trusted, from the
 * newest snapshot), then the log behind them.
 */
import type { Catalog } from './catalog.ts'
import { OpenError } from './errors.ts'
import { type IndexDb, type ViewMark, viewVersion } from './index-db.ts'
import type { KeyTable } from './key-table.ts'
import { groupHeaderBytes, segmentHeaderBytes } from './layout/format.ts'
import { readGroupHeader } from './layout/group.ts'
import { LayoutError } from './layout/layout-error.ts'
import { type Damage, type ScanEnd, scanSegment } from './layout/scan.ts'
import { segmentFileName } from './layout/segment.ts'
import { type NewestSnapshot, snapshotRows } from './newest-snapshot.ts'
import type { File, FileSystem } from './ports.ts'
import { loadRow, Replay, spillTimers } from './replay.ts'
import type { SegmentUsage } from './segment-usage.ts'
import { decodeTimerHead } from './state/codec.ts'
import type { StoredRow } from './state/stored-rows.ts'
import type { SegmentFile } from './store-folder.ts'

export interface RecoveryParts {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly db: IndexDb
  readonly keys: KeyTable
  readonly usage: SegmentUsage
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
  /** The newest footer that was read: of the segment before the open one. */
  readonly footer: { readonly segment: number; readonly position: number } | undefined
}

/** Why LevelDB's view cannot be gone on with; undefined if it can. */
export async function whyViewUnusable(
  parts: RecoveryParts,
  mark: ViewMark | undefined,
  newestSnapshotSequence: number
): Promise<string | undefined> {
  if (mark === undefined) return 'it is empty'
  if (mark.version !== viewVersion) return 'another version wrote it'
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
  for await (const row of parts.db.rows()) rows.push(row)
  loadRows(catalog, rows, false)
  // There may be more timers than should be in memory together.
  for await (const some of parts.db.timers())
    for (const row of some) catalog.state.timers.loadStored(decodeTimerHead(row))
  const { runsMax, timersMax, db, keys, usage } = parts
  const counted = await db.usage(mark.applied.segment)
  if (counted !== undefined) usage.load(mark.applied.segment, counted)
  const options = { stateThrough: mark.sequence, runsMax, timersMax, usage }
  const replay = new Replay(catalog, db, keys, options)
  replay.lastAppendMs = mark.appendTimeMs
  replay.lastGroupPosition = mark.lastGroupPosition
  const row = catalog.segments.get(mark.applied.segment)
  const place = {
    segment: mark.applied.segment,
    position: mark.applied.position,
    sequence: mark.sequence + 1,
    firstSequence: row?.firstSequence ?? mark.sequence + 1,
    durableThrough: mark.sequence
  }
  return follow(parts, catalog, replay, place, new Set())
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
  const gone = new Set<number>()
  const first = nextLive(parts, catalog, 0, stateThrough, gone) ?? 1
  if (!isThere(parts, first))
    throw new OpenError(
      'unrecoverable',
      `segment ${first}, the first of the log, is not there${snapshot === undefined ? ', and no snapshot can be read' : ''}`
    )
  const { runsMax, timersMax, usage } = parts
  const options = { stateThrough, runsMax, timersMax, usage }
  const replay = new Replay(catalog, parts.db, parts.keys, options)
  replay.lastAppendMs = snapshot?.header.appendTimeMs ?? 0
  const place = {
    segment: first,
    position: segmentHeaderBytes,
    sequence: catalog.segments.get(first)?.firstSequence ?? 1,
    firstSequence: catalog.segments.get(first)?.firstSequence ?? 1,
    durableThrough: stateThrough
  }
  const recovered = await follow(parts, catalog, replay, place, gone)
  for (const id of gone)
    if (catalog.segments.has(id))
      throw new OpenError('unrecoverable', `segment ${id} of the log is not there`)
  return recovered
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

/**
 * Scans from a place to the end of the log, from footer to next segment. Segments that were deleted are stepped over:
 * those that the live set does not have any more, and those that are not there, whose deletion is in the log still to
 * be read; they are added to `gone`.
 */
async function follow(
  parts: RecoveryParts,
  catalog: Catalog,
  replay: Replay,
  start: Place,
  gone: Set<number>
): Promise<Recovered> {
  const damages: Damage[] = []
  let place = start
  let footer: Recovered['footer']
  let bytesScanned = 0
  /** Up to here the live set says what there is; behind it the footers do. */
  const newestKnown = Math.max(start.segment, ...catalog.segments.keys())
  for (;;) {
    const at = place
    parts.usage.begin(at.segment)
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
    const next = nextSegment(parts, catalog, at, end, { damages, gone, newestKnown })
    if (next === undefined) {
      return {
        replay,
        end,
        openSegment: at.segment,
        firstSequence: at.firstSequence,
        sequence: Math.max(end.nextSequence, at.sequence) - 1,
        appendTimeMs: replay.lastAppendMs,
        damages,
        bytesScanned,
        footer
      }
    }
    if (end.footer !== undefined) footer = { segment: at.segment, position: end.position }
    noteSealed(catalog, at, end)
    const isNeighbour = next === (end.footer?.nextSegmentId ?? at.segment + 1)
    const due = isNeighbour ? 0 : (catalog.segments.get(next)?.firstSequence ?? 0)
    const sequence = Math.max(end.nextSequence, at.sequence, due)
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

interface Following {
  readonly damages: Damage[]
  readonly gone: Set<number>
  readonly newestKnown: number
}

/** Where the log goes on after a segment; undefined if it ends there. */
function nextSegment(
  parts: RecoveryParts,
  catalog: Catalog,
  { segment, durableThrough }: Place,
  end: ScanEnd,
  { damages, gone, newestKnown }: Following
): number | undefined {
  const named = end.footer?.nextSegmentId
  const next =
    named !== undefined && named > newestKnown
      ? named
      : nextLive(parts, catalog, segment, durableThrough, gone)
  if (next === undefined) return undefined
  if (!isThere(parts, next))
    throw new OpenError('unrecoverable', `segment ${next} of the log is not there`)
  if (end.footer === undefined) {
    const what = `segment ${segment} ends without its footer`
    damages.push({ segment, fromPosition: end.position, toPosition: end.position, what })
  }
  return next
}

/** The next segment of the live set; one that is not there and holds no state behind `stateThrough` may be deleted. */
function nextLive(
  parts: RecoveryParts,
  catalog: Catalog,
  after: number,
  stateThrough: number,
  gone: Set<number>
): number | undefined {
  for (const id of [...catalog.segments.keys()].sort((a, b) => a - b)) {
    if (id <= after) continue
    const { lastSequence = -1 } = catalog.segments.get(id) ?? {}
    if (isThere(parts, id) || lastSequence < 0 || lastSequence > stateThrough) return id
    gone.add(id)
  }
  return undefined
}

function isThere({ segments }: RecoveryParts, id: number): boolean {
  return segments.find((one) => one.id === id)?.header !== undefined
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
