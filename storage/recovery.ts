/**
 * Bringing a catalog to where the log ended: rows from LevelDB's view (or, where that cannot be trusted, from the
 * newest snapshot), then the log behind them.
 */
import type { Catalog } from './catalog.ts'
import { endBefore, noFooter, segmentBehind } from './damaged-end.ts'
import { OpenError } from './errors.ts'
import { type ViewMark, viewVersion } from './index-db.ts'
import { moveIndex } from './index-move.ts'
import { groupHeaderBytes, segmentHeaderBytes } from './layout/format.ts'
import { readGroupHeader } from './layout/group.ts'
import type { Damage, ScanEnd } from './layout/scan.ts'
import {
  byPlace,
  isCopyAt,
  isThere,
  loadRows,
  loadSnapshot,
  type Place,
  type Recovered,
  type RecoveryParts,
  scanOne,
  withSegment
} from './live-segments.ts'
import type { NewestSnapshot } from './newest-snapshot.ts'
import { Replay } from './replay.ts'
import { scanRuns } from './segment-copy.ts'
import { decodeTimerHead } from './state/codec.ts'
import type { StoredRow } from './state/stored-rows.ts'

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
  // There may be more timers than should be in memory together.
  const onTimers = (some: readonly Buffer[]): void => {
    for (const row of some) catalog.state.timers.loadStored(decodeTimerHead(row))
  }
  await parts.db.readRows((row) => rows.push(row), onTimers)
  loadRows(catalog, rows, false)
  const { entriesMax: runsMax, timersMax, db, keys, usage } = parts
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
  const recovered = await follow(parts, catalog, replay, place, new Set())
  for (const id of copiesPut(parts, catalog, replay)) await finishSwap(parts, catalog, id)
  return recovered
}

/** Cleaner's copies that joined the live set in what was replayed, and are still in it. */
function copiesPut(parts: RecoveryParts, catalog: Catalog, { segmentsPut }: Replay): number[] {
  return segmentsPut.filter((id) => isCopyAt(parts, id) && catalog.segments.has(id))
}

/** The view may not have followed a swap. */
async function finishSwap(parts: RecoveryParts, catalog: Catalog, id: number): Promise<void> {
  const { usage } = parts
  usage.begin(id)
  await scanRuns(parts, id, {
    run: (run) => {
      if (catalog.queues.has(run.queue)) usage.add(id, run.queue, run)
    },
    stretch: (stretch) => {
      if (catalog.queues.has(stretch.queue)) usage.cover(id, stretch)
    }
  })
  await moveIndex(parts, catalog, id, () => undefined)
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
  await parts.db.remake()
  await loadSnapshot(parts, catalog, snapshot)
  const stateThrough = snapshot?.header.sequence ?? 0
  const gone = new Set<number>()
  const first = nextLive(parts, catalog, -1, stateThrough, gone) ?? 1
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
  if (copiesPut(parts, catalog, replay).length > 0) await indexAgain(parts, catalog, recovered)
  return recovered
}

/**
 * Makes the index anew from what is live at the end of the log: segments that were cleaned since the snapshot stand in
 * the places of those that were read before.
 */
async function indexAgain(
  parts: RecoveryParts,
  catalog: Catalog,
  { sequence, openSegment, firstSequence: openSequence }: Recovered
): Promise<void> {
  const { db, keys, usage, runsMax, timersMax } = parts
  await db.clearIndex()
  keys.take()
  keys.written()
  usage.clear()
  for (const queue of catalog.queues.values()) {
    queue.runs.dropFirst(queue.runs.length)
    queue.indexedEnd = 0
  }
  const options = { stateThrough: Number.MAX_SAFE_INTEGER, runsMax, timersMax, usage }
  const replay = new Replay(catalog, db, keys, options)
  const live = byPlace(catalog)
  // Of an open segment that no group has told of there is no row: the roll to it was cut off, and gone on with.
  if (!catalog.segments.has(openSegment))
    live.push({ id: openSegment, firstSequence: openSequence, lastSequence: -1, dataBytes: -1 })
  for (const { id, firstSequence } of live) {
    if (!isThere(parts, id))
      throw new OpenError('unrecoverable', `segment ${id} of the log is not there`)
    usage.begin(id)
    const place = { segment: id, sequence: firstSequence, durableThrough: sequence }
    await scanOne(parts, replay, { ...place, firstSequence, position: segmentHeaderBytes })
  }
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
    const after = byPlace(catalog).find((one) => one.firstSequence > at.firstSequence)
    const end = endBefore(await scanOne(parts, replay, at), after?.firstSequence)
    damages.push(...end.damages)
    bytesScanned += end.position - at.position
    const next =
      nextSegment(parts, catalog, at, end, { damages, gone, newestKnown }) ??
      (await segmentBehind(parts, at.segment, end, damages))
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
    if (end.footer !== undefined && !isCopyAt(parts, at.segment))
      footer = { segment: at.segment, position: end.position }
    place = placeAfter(parts, catalog, at, end, next)
    replay.described = new Map()
    replay.lastGroupPosition = -1
  }
}

function placeAfter(
  parts: RecoveryParts,
  catalog: Catalog,
  at: Place,
  end: ScanEnd,
  next: number
): Place {
  const position = segmentHeaderBytes
  const known = catalog.segments.get(next)?.firstSequence ?? 0
  // What a copy says of sequences is its own.
  if (isCopyAt(parts, at.segment)) {
    const { durableThrough } = at
    return { segment: next, position, sequence: known, firstSequence: known, durableThrough }
  }
  noteSealed(catalog, at, end)
  const isNeighbour = next === (end.footer?.nextSegmentId ?? at.segment + 1)
  const sequence = Math.max(end.nextSequence, at.sequence, isNeighbour ? 0 : known)
  const durableThrough = Math.max(at.durableThrough, end.lastDurableThrough)
  const firstSequence = isCopyAt(parts, next) ? known : sequence
  return { segment: next, position, sequence, firstSequence, durableThrough }
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
  { segment, firstSequence, durableThrough }: Place,
  end: ScanEnd,
  { damages, gone, newestKnown }: Following
): number | undefined {
  const named = end.footer?.nextSegmentId
  const next =
    named !== undefined && named > newestKnown
      ? named
      : nextLive(parts, catalog, firstSequence, durableThrough, gone)
  if (next === undefined) return undefined
  if (!isThere(parts, next))
    throw new OpenError('unrecoverable', `segment ${next} of the log is not there`)
  if (end.footer === undefined) damages.push(noFooter(segment, end))
  return next
}

/** The segment of the live set that begins next after a sequence; one that is not there and holds no state behind `stateThrough` may be deleted. */
function nextLive(
  parts: RecoveryParts,
  catalog: Catalog,
  after: number,
  stateThrough: number,
  gone: Set<number>
): number | undefined {
  for (const { id, firstSequence, lastSequence } of byPlace(catalog)) {
    if (firstSequence <= after) continue
    if (isThere(parts, id) || lastSequence < 0 || lastSequence > stateThrough) return id
    gone.add(id)
  }
  return undefined
}
