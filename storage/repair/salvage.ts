/**
 * Recovery of a store whose log is not all there, once somebody has said that what is lost may be given up: segments
 * that are missing are passed over, and where no snapshot can be read the state is what is left of it in the log.
 * Everything that is there is read in the order of its place, as when LevelDB is made anew.
 */
import type { Catalog } from '../catalog.ts'
import type { TopicNames } from '../contract.ts'
import { endBefore, noFooter } from '../damaged-end.ts'
import { segmentHeaderBytes } from '../layout/format.ts'
import type { Damage, ScanEnd } from '../layout/scan.ts'
import {
  byPlace,
  isCopyAt,
  loadSnapshot,
  type Recovered,
  type RecoveryParts,
  scanOne
} from '../live-segments.ts'
import type { NewestSnapshot } from '../newest-snapshot.ts'
import { Replay } from '../replay.ts'
import type { SegmentRow } from '../state/stored-rows.ts'
import { isCopy } from '../store-folder.ts'
import { takeInventory } from './inventory.ts'
import { type LiveSet, type LogGap, liveSetOf } from './live-set.ts'
import { type LostSettings, LostState } from './lost-state.ts'

/** What an open may give up that is not there. */
export interface SalvageOptions {
  /** All state, where no snapshot can be read: it is what the segments tell. */
  readonly fromSegments: boolean
  /** Settings for topics whose own are lost; none unless given. */
  readonly settingsOf?: (names: TopicNames) => LostSettings
}

/** What was given up so that the store could be opened. */
export interface Salvaged {
  /** Segments that are not there; what they had is still to be given up. */
  readonly missing: readonly number[]
  /** State may be missing, not records alone. */
  readonly isStateLost: boolean
  /** No snapshot could be read: the state is what the segments tell. */
  readonly fromSegments: boolean
  /** Parts of the log of which nothing tells whether they were deleted, cleaned or lost. */
  readonly gaps: readonly LogGap[]
  /** Copies that go, for others have their offsets. */
  readonly leftOut: readonly number[]
  /** Topics of which only their names and queues were left, by Kafka's names. */
  readonly topics: readonly string[]
}

/** Rejects as recoverFromLog does, but for what is not there. */
export async function salvage(
  parts: RecoveryParts,
  catalog: Catalog,
  snapshot: NewestSnapshot | undefined,
  { settingsOf = () => ({ config: {}, system: false }) }: SalvageOptions
): Promise<{ recovered: Recovered; salvaged: Salvaged }> {
  await parts.db.remake()
  await loadSnapshot(parts, catalog, snapshot)
  const isAll = snapshot === undefined
  const stateThrough = snapshot?.header.sequence ?? 0
  const rows = new Map(catalog.segments)
  // A copy that the snapshot does not have may stand for segments that it has.
  const isAllWanted = parts.segments.some((file) => isCopy(file) && !rows.has(file.id))
  const isWanted = (id: number): boolean => {
    const last = rows.get(id)?.lastSequence ?? -1
    return isAllWanted || last < 0 || last > stateThrough
  }
  const inventory = await takeInventory(parts, isWanted, stateThrough)
  const live = liveSetOf(inventory, { rows, stateThrough, hasSnapshot: !isAll })
  for (const id of rows.keys()) catalog.dropSegment(id)
  for (const row of live.rows) catalog.putSegment(row)
  const { dropped } = inventory
  const lost = new LostState({ catalog, isAll, dropped, settingsOf })
  const { runsMax, timersMax, usage, keys, db } = parts
  const replay = new Replay(catalog, db, keys, { stateThrough, runsMax, timersMax, usage, lost })
  const { segments } = inventory
  const appendTimes = segments.map(({ lastAppendMs }) => lastAppendMs)
  replay.lastAppendMs = Math.max(snapshot?.header.appendTimeMs ?? 0, ...appendTimes)
  const onCopy = (id: number): void => {
    const found = segments.find((one) => one.id === id)
    // What a copy stands for comes before its descriptions.
    if (isAll) for (const one of found?.descriptions ?? []) lost.describe(one, found?.firstAppendMs)
  }
  const read = await readAll(parts, catalog, replay, live, { stateThrough, isAll, onCopy })
  const isStateLost =
    isAll || live.gaps.length > 0 || read.missing.some((row) => row.lastSequence > stateThrough)
  lost.finish({ ...inventory, starts: live.starts }, isStateLost)
  const { nextSegmentId } = catalog.counters
  const id = Math.max(nextSegmentId, inventory.segmentIdMax + 1)
  catalog.counters = { ...catalog.counters, nextSegmentId: id }
  const salvaged = {
    missing: [...live.missing],
    isStateLost,
    fromSegments: isAll,
    gaps: live.gaps,
    leftOut: live.leftOut,
    topics: lost.topicsMade
  }
  return { recovered: goneOnWith(catalog, replay, live, read, stateThrough, id), salvaged }
}

interface Read {
  readonly missing: readonly SegmentRow[]
  readonly damages: readonly Damage[]
  readonly bytesScanned: number
  readonly footer: Recovered['footer']
  /** Of the open segment. */
  readonly end: ScanEnd | undefined
}

interface ReadOptions {
  readonly stateThrough: number
  readonly isAll: boolean
  readonly onCopy: (id: number) => void
}

async function readAll(
  parts: RecoveryParts,
  catalog: Catalog,
  replay: Replay,
  live: LiveSet,
  { stateThrough, isAll, onCopy }: ReadOptions
): Promise<Read> {
  const damages: Damage[] = []
  const missing: SegmentRow[] = []
  let bytesScanned = 0
  let footer: Recovered['footer']
  let end: ScanEnd | undefined
  const rows = byPlace(catalog)
  for (const [i, row] of rows.entries()) {
    const { id: segment, firstSequence } = row
    if (live.missing.has(segment)) {
      missing.push(row)
      damages.push(notThere(row, isAll || i === rows.length - 1))
      continue
    }
    const next = rows[i + 1]
    // What another segment follows was durable when that was begun.
    const durableThrough = Math.max(stateThrough, (next?.firstSequence ?? 0) - 1)
    replay.described = new Map()
    replay.lastGroupPosition = -1
    parts.usage.begin(segment)
    const isCopied = isCopyAt(parts, segment)
    if (isCopied) onCopy(segment)
    const position = segmentHeaderBytes
    const place = { segment, position, sequence: firstSequence, firstSequence, durableThrough }
    const found = endBefore(await scanOne(parts, replay, place), next?.firstSequence)
    bytesScanned += found.position - position
    damages.push(...found.damages)
    if (segment === live.open) end = found
    else if (found.footer === undefined) damages.push(noFooter(segment, found))
    else if (!isCopied) footer = { segment, position: found.position }
  }
  return { missing, damages, bytesScanned, footer, end }
}

/** `isVague`: its sequences are not known. */
function notThere(row: SegmentRow, isVague: boolean): Damage {
  const { id: segment, firstSequence: first, lastSequence: last } = row
  const damage = { segment, fromPosition: 0, toPosition: 0, what: 'its file is not there' }
  return isVague ? damage : { ...damage, sequences: { first, last } }
}

/** Where the log goes on: in its last segment, or in a new one where that is not there. */
function goneOnWith(
  catalog: Catalog,
  replay: Replay,
  live: LiveSet,
  { damages, bytesScanned, footer, end }: Read,
  stateThrough: number,
  newId: number
): Recovered {
  const known = { replay, damages, bytesScanned, footer, appendTimeMs: replay.lastAppendMs }
  const row = live.open === undefined ? undefined : catalog.segments.get(live.open)
  if (row !== undefined && end !== undefined) {
    const { id: openSegment, firstSequence } = row
    const sequence = Math.max(end.nextSequence, firstSequence) - 1
    return { ...known, end, openSegment, firstSequence, sequence }
  }
  let sequence = stateThrough
  for (const { firstSequence, lastSequence } of live.rows)
    sequence = Math.max(sequence, firstSequence, lastSequence)
  replay.described = new Map()
  replay.lastGroupPosition = -1
  const empty = { position: segmentHeaderBytes, lastDurableThrough: -1, groupCount: 0 }
  return {
    ...known,
    end: { ...empty, nextSequence: sequence + 1, damages: [] },
    openSegment: newId,
    firstSequence: sequence + 1,
    sequence,
    beginsSegment: true
  }
}
