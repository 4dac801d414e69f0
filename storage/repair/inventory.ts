/** Reads segment files for what they say of themselves and of each other, where nothing else says it. */
import type { QueueUid, TopicId } from '../contract.ts'
import { segmentHeaderBytes } from '../layout/format.ts'
import type { ScannedRun } from '../layout/group-entries.ts'
import { type ScannedGroup, scanSegment } from '../layout/scan.ts'
import { searchForward } from '../layout/search.ts'
import type { Stretch } from '../layout/stretches.ts'
import type { Description, LoggedChange, SegmentFooter } from '../layout/types.ts'
import { type RecoveryParts, withSegment } from '../live-segments.ts'
import type { File } from '../ports.ts'
import { placedRunOf } from '../segment-copy.ts'
import type { SegmentRow } from '../state/stored-rows.ts'
import { isCopy } from '../store-folder.ts'

/** The offsets of a queue that are in a segment, as far as it goes. */
export interface Range {
  from: number
  /** After the last. */
  to: number
  /** After the last that is in a run: of a copy the rest may have been compacted away. */
  runsTo: number
}

export interface FoundSegment {
  readonly id: number
  readonly isCopy: boolean
  /** Groups that can be read. */
  groupCount: number
  /** Of these, or all that were there; of a copy its own. 0: nothing tells. */
  firstSequence: number
  lastSequence: number
  footer: SegmentFooter | undefined
  /** Not all of it can be read. */
  isDamaged: boolean
  /** Header and groups. */
  dataBytes: number
  /** Of its runs, ms; Infinity and -Infinity for none. */
  firstAppendMs: number
  lastAppendMs: number
  readonly queues: Map<QueueUid, Range>
  readonly descriptions: Description[]
}

export interface Inventory {
  /** By id. */
  readonly segments: FoundSegment[]
  /** Ids of all files with a header, whether they were looked into or not. */
  readonly there: ReadonlySet<number>
  /** The greatest id that a file has, or that anything read speaks of. */
  segmentIdMax: number
  /** What the log says of the live set: rows that were put, and ids that left it. */
  readonly rows: Map<number, SegmentRow>
  readonly deleted: Set<number>
  readonly dropped: Set<TopicId>
  queueUidMax: QueueUid
  producerIdMax: number
}

/** `isWanted`: the others' contents are known. `stateThrough`: groups up to it say nothing of state that is not known. */
export async function takeInventory(
  parts: RecoveryParts,
  isWanted: (id: number) => boolean,
  stateThrough: number
): Promise<Inventory> {
  const files = parts.segments.filter(({ header }) => header !== undefined)
  const inventory: Inventory = {
    segments: [],
    there: new Set(files.map(({ id }) => id)),
    segmentIdMax: Math.max(0, ...parts.segments.map(({ id }) => id)),
    rows: new Map(),
    deleted: new Set(),
    dropped: new Set(),
    queueUidMax: 0,
    producerIdMax: -1
  }
  for (const file of files) {
    if (!isWanted(file.id)) continue
    const found = emptySegment(file.id, isCopy(file))
    const { storeId } = parts
    const place = { storeId, segmentId: file.id, position: segmentHeaderBytes }
    const end = await withSegment(parts, file.id, (handle) =>
      scanSegment(
        handle,
        { ...place, durableThrough: stateThrough },
        { group: (group) => note(inventory, found, group, stateThrough) }
      )
    )
    found.footer = end.footer
    found.isDamaged = end.damages.length > 0 || end.footer === undefined
    found.dataBytes = end.position
    if (end.footer !== undefined && !found.isCopy) {
      const { lastSequence, groupCount, nextSegmentId } = end.footer
      found.firstSequence = lastSequence - groupCount + 1
      found.lastSequence = Math.max(found.lastSequence, lastSequence)
      noteId(inventory, nextSegmentId)
    } else if (found.groupCount === 0)
      found.firstSequence = await withSegment(parts, file.id, (handle) =>
        anySequence(handle, storeId, file.id)
      )
    inventory.segments.push(found)
  }
  return inventory
}

/** The sequence of a group that is there, though it cannot be read; 0 for none. */
async function anySequence(file: File, storeId: Buffer, segmentId: number): Promise<number> {
  const end = await file.size()
  const from = segmentHeaderBytes
  const { first } = await searchForward({ file, from, end, storeId, segmentId, minSequence: 0 })
  return first?.sequence ?? 0
}

function emptySegment(id: number, copied: boolean): FoundSegment {
  return {
    id,
    isCopy: copied,
    groupCount: 0,
    firstSequence: 0,
    lastSequence: 0,
    footer: undefined,
    isDamaged: false,
    dataBytes: segmentHeaderBytes,
    firstAppendMs: Number.POSITIVE_INFINITY,
    lastAppendMs: Number.NEGATIVE_INFINITY,
    queues: new Map(),
    descriptions: []
  }
}

function noteId(inventory: Inventory, segment: number): void {
  inventory.segmentIdMax = Math.max(inventory.segmentIdMax, segment)
}

function note(
  inventory: Inventory,
  found: FoundSegment,
  { header, entries }: ScannedGroup,
  stateThrough: number
): void {
  if (found.groupCount++ === 0) found.firstSequence = header.sequence
  found.lastSequence = header.sequence
  const isNew = !found.isCopy && header.sequence > stateThrough
  for (const entry of entries) {
    if (entry.kind === 'run') noteRun(inventory, found, entry)
    else if (entry.kind === 'stretches') for (const one of entry.stretches) widen(found, one)
    else if (entry.kind === 'description') {
      found.descriptions.push(entry.description)
      for (const uid of entry.description.queues) noteUid(inventory, uid)
    } else if (entry.kind === 'state' && isNew)
      for (const change of entry.changes) noteChange(inventory, change)
  }
}

function noteRun(inventory: Inventory, found: FoundSegment, entry: ScannedRun): void {
  const run = placedRunOf(entry)
  if (run === undefined) return
  const { queue, baseOffset: firstOffset, nextOffset, appendTimeMs } = run
  widen(found, { queue, firstOffset, nextOffset }).runsTo = nextOffset
  found.firstAppendMs = Math.min(found.firstAppendMs, appendTimeMs)
  found.lastAppendMs = Math.max(found.lastAppendMs, appendTimeMs)
  noteUid(inventory, queue)
  for (const { producerId } of entry.batches)
    inventory.producerIdMax = Math.max(inventory.producerIdMax, producerId)
}

function widen({ queues }: FoundSegment, { queue, firstOffset: from, nextOffset: to }: Stretch) {
  const known = queues.get(queue)
  const range: Range = known ?? { from, to, runsTo: from }
  if (known === undefined) queues.set(queue, range)
  range.from = Math.min(range.from, from)
  range.to = Math.max(range.to, to)
  return range
}

function noteUid(inventory: Inventory, uid: QueueUid): void {
  inventory.queueUidMax = Math.max(inventory.queueUidMax, uid)
}

function noteChange(inventory: Inventory, change: LoggedChange): void {
  if (change.op === 'drop-topic') inventory.dropped.add(change.topicId)
  else if (change.op === 'delete') {
    if (change.key.family === 'segment') noteDeleted(inventory, Number(change.key.item))
  } else if (change.entry.family === 'segment') {
    const { row } = change.entry
    inventory.rows.set(row.id, row)
    noteId(inventory, row.id)
  } else if (change.entry.family === 'topic')
    for (const uid of change.entry.row.queues) noteUid(inventory, uid)
}

/** Ids are never used twice: what left the live set once is no part of it, wherever else it is put. */
function noteDeleted(inventory: Inventory, id: number): void {
  inventory.deleted.add(id)
  inventory.rows.delete(id)
  noteId(inventory, id)
}
