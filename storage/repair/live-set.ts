/** Which segments are live, in what order, and which are not there: from the files, and what is known besides. */
import type { QueueUid } from '../contract.ts'
import type { SegmentRow } from '../state/stored-rows.ts'
import { Arrangement } from './arrangement.ts'
import type { FoundSegment, Inventory } from './inventory.ts'

/** Part of the log that is not there: lost, unless it had been deleted, or cleaned into a copy. */
export interface LogGap {
  readonly firstSegment: number
  /** Undefined, as the last sequence: it was the end, and nothing tells how far the log went. */
  readonly lastSegment: number | undefined
  readonly firstSequence: number
  readonly lastSequence: number | undefined
}

export interface LiveSet {
  /** Those that are missing, too. */
  readonly rows: readonly SegmentRow[]
  readonly missing: ReadonlySet<number>
  /** What nothing tells of. */
  readonly gaps: readonly LogGap[]
  /** Copies that are none of the log, for others have their offsets. */
  readonly leftOut: readonly number[]
  /** The segment that the log goes on in, if that is there. */
  readonly open: number | undefined
  /** Where queues begin; of those that have records in what was looked into. */
  readonly starts: ReadonlyMap<QueueUid, number>
}

type Rows = Map<number, SegmentRow>

/** What is told of the live set, and what the files of the log itself add. */
interface Known {
  readonly rows: Rows
  readonly missing: Set<number>
  /** The log's own segments, one behind the other. */
  readonly own: readonly FoundSegment[]
  readonly open: number | undefined
}

/** What is known besides the files. */
export interface Told {
  /** The live set of a snapshot, whose state goes through a sequence; empty and 0 for none. */
  readonly rows: ReadonlyMap<number, SegmentRow>
  readonly stateThrough: number
  readonly hasSnapshot: boolean
}

export function liveSetOf(inventory: Inventory, told: Told): LiveSet {
  const known = knownOf(inventory, told)
  const strangers = inventory.segments.filter(
    ({ id, isCopy }) => isCopy && !known.rows.has(id) && !inventory.deleted.has(id)
  )
  if (told.hasSnapshot && (strangers.length === 0 || known.missing.size === 0))
    return asKnown(inventory, known, told)
  return arranged(inventory, known, strangers, told)
}

function asKnown(inventory: Inventory, known: Known, { stateThrough }: Told): LiveSet {
  const { rows, missing, open } = known
  for (const gap of gapsOf(inventory, known, stateThrough)) {
    const { firstSegment: id, firstSequence, lastSequence = firstSequence } = gap
    if (rows.has(id)) continue
    rows.set(id, { id, firstSequence, lastSequence, dataBytes: 0 })
    missing.add(id)
  }
  return { rows: [...rows.values()], missing, gaps: [], leftOut: [], open, starts: new Map() }
}

/** What put copies into the live set, and took segments out of it, may be lost. */
function arranged(
  inventory: Inventory,
  known: Known,
  strangers: readonly FoundSegment[],
  { hasSnapshot, stateThrough }: Told
): LiveSet {
  const found = new Map(inventory.segments.map((one) => [one.id, one]))
  const all = [...known.rows.values()]
  const arrangement = new Arrangement(
    all.flatMap((row) => {
      const its = found.get(row.id)
      return its === undefined ? [] : [{ row, found: its }]
    })
  )
  // Of two that have the same the newer was made of the older.
  const newestFirst = strangers.toSorted((a, b) => b.id - a.id)
  const leftOut = newestFirst.filter((copy) => !arrangement.addCopy(copy)).map(({ id }) => id)
  const missing = all.filter(({ id }) => known.missing.has(id))
  // Without a snapshot they may well have been deleted, or cleaned.
  if (hasSnapshot) for (const row of missing) arrangement.addLost(row)
  const rows = new Map(all.filter(({ id }) => found.has(id)).map((row) => [row.id, row]))
  const taken = new Set([...inventory.there, ...(hasSnapshot ? known.missing : [])])
  const starts = arrangement.addMissing((before, after) => {
    const free = idsBetween(inventory, rows, before, after).find((id) => !taken.has(id))
    const id = free ?? ++inventory.segmentIdMax
    taken.add(id)
    return id
  })
  const gaps = gapsOf(inventory, { ...known, rows, missing: new Set() }, stateThrough, missing)
  return { ...arrangement.rows(), gaps, leftOut, open: known.open, starts }
}

function knownOf(inventory: Inventory, { rows: told, stateThrough }: Told): Known {
  const rows: Rows = new Map([...told, ...inventory.rows])
  for (const id of inventory.deleted) rows.delete(id)
  const own = ownSegments(inventory, rows, stateThrough)
  const copyCount = inventory.segments.filter(({ isCopy }) => isCopy).length
  let due = stateThrough + 1
  let open: number | undefined
  for (const [i, one] of own.entries()) {
    const { id, footer, dataBytes } = one
    const known = rows.get(id)
    const firstSequence = known?.firstSequence ?? firstOf(one, own[i - 1], due, copyCount)
    const knownLast = known?.lastSequence ?? -1
    const lastSequence = Math.max(one.lastSequence, knownLast, firstSequence - 1)
    // One that was sealed, and lost its footer, is gone on with no more.
    if (footer === undefined && i === own.length - 1 && knownLast < 0) open = id
    const ends = id === open ? { lastSequence: -1, dataBytes: -1 } : { lastSequence, dataBytes }
    rows.set(id, { id, firstSequence, ...ends })
    due = Math.max(due, lastSequence + 1)
  }
  const missing = new Set([...rows.keys()].filter((id) => !inventory.there.has(id)))
  for (const id of missing) rows.set(id, sealed(rows.get(id) as SegmentRow, rows, stateThrough))
  return { rows, missing, own, open }
}

function firstOf(
  one: FoundSegment,
  before: FoundSegment | undefined,
  due: number,
  copyCount: number
): number {
  if (one.footer !== undefined) return one.firstSequence
  // What is missing between a segment and the next was at the beginning of that.
  if (follows(before, one.id)) return due
  // Copies, and what is missing between them, stand before it.
  return one.firstSequence > 0 ? one.firstSequence : due + copyCount * 2
}

/** Whether no segment was between two. */
function follows(before: FoundSegment | undefined, next: number): boolean {
  if (before === undefined) return next === 1
  return before.footer === undefined ? next === before.id + 1 : next === before.footer.nextSegmentId
}

/** A missing segment that was the last when its row was written goes up to the next, or to where nobody knows. */
function sealed(row: SegmentRow, rows: Rows, stateThrough: number): SegmentRow {
  if (row.lastSequence >= 0) return row
  let next = Number.POSITIVE_INFINITY
  for (const { firstSequence } of rows.values())
    if (firstSequence > row.firstSequence) next = Math.min(next, firstSequence)
  const unknown = Math.max(row.firstSequence, stateThrough + 1)
  return { ...row, lastSequence: Number.isFinite(next) ? next - 1 : unknown, dataBytes: 0 }
}

/** Sequences behind `stateThrough` that no segment stands for, where one may have been, as `lost` ones were. */
function gapsOf(
  inventory: Inventory,
  { rows, own, open, missing }: Known,
  stateThrough: number,
  lost: readonly SegmentRow[] = []
): LogGap[] {
  const gaps: LogGap[] = []
  const note = (before: number, after: number, first: number, last: number): void => {
    const ids = new Set(idsBetween(inventory, rows, before, after))
    // A copy has an id of another time than its place.
    for (const { id, firstSequence } of lost)
      if (firstSequence >= first && firstSequence <= last) ids.add(id)
    if (ids.size === 0) return
    const [firstSegment, lastSegment] = [Math.min(...ids), Math.max(...ids)]
    gaps.push({ firstSegment, lastSegment, firstSequence: first, lastSequence: last })
  }
  let due = stateThrough + 1
  let before = 0
  const sorted = [...rows.values()].sort((a, b) => a.firstSequence - b.firstSequence)
  for (const row of sorted) {
    const isOwn = own.some(({ id }) => id === row.id)
    if (row.firstSequence > due) {
      const after = own.find(({ id }) => (rows.get(id)?.firstSequence ?? 0) >= row.firstSequence)
      note(before, after?.id ?? Number.POSITIVE_INFINITY, due, row.firstSequence - 1)
    }
    due = Math.max(due, row.firstSequence, row.lastSequence + 1)
    if (isOwn || row.firstSequence <= stateThrough) before = Math.max(before, row.id)
  }
  // Its end is there, or it is known what was.
  if (open !== undefined || missing.has(sorted.at(-1)?.id ?? 0)) return gaps
  const end = { lastSegment: undefined, lastSequence: undefined, firstSequence: due }
  const next = own.at(-1)?.footer?.nextSegmentId ?? inventory.segmentIdMax + 1
  return [...gaps, { ...end, firstSegment: next }]
}

/** The log's own, without those that were deleted, and files that a roll which was cut off left. */
function ownSegments(
  { segments, deleted }: Inventory,
  rows: Rows,
  stateThrough: number
): FoundSegment[] {
  const isEmpty = ({ groupCount, footer }: FoundSegment): boolean =>
    groupCount === 0 && footer === undefined
  const own = segments.filter(
    (one) =>
      !one.isCopy &&
      !deleted.has(one.id) &&
      (rows.has(one.id) || isEmpty(one) || one.lastSequence > stateThrough)
  )
  return own.filter((one, i) => {
    if (!isEmpty(one) || rows.has(one.id)) return true
    if (i < own.length - 1) return false
    return own.length === 1 ? rows.size === 0 : own[i - 1]?.footer?.nextSegmentId === one.id
  })
}

/** Ids between two of which nothing says what became of them. */
function idsBetween(inventory: Inventory, rows: Rows, before: number, after: number): number[] {
  const { there, deleted, segmentIdMax } = inventory
  const ids: number[] = []
  for (let id = before + 1; id < Math.min(after, segmentIdMax + 1); id++)
    if (!there.has(id) && !deleted.has(id) && !rows.has(id)) ids.push(id)
  return ids
}
