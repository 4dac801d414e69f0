/** Reads all live segments, records included, and finds which offsets of which queues damage has taken. */
import type { Catalog } from '../catalog.ts'
import type { QueueUid } from '../contract.ts'
import type { BatchHead } from '../layout/batch-head.ts'
import { FileWindow } from '../layout/file-window.ts'
import { segmentHeaderBytes } from '../layout/format.ts'
import type { ScannedRun } from '../layout/group-entries.ts'
import { isPayloadSound } from '../layout/payloads.ts'
import { type Damage, type ScanEnd, type ScannedGroup, scanSegment } from '../layout/scan.ts'
import { segmentFileName } from '../layout/segment.ts'
import type { Stretch } from '../layout/stretches.ts'
import type { File, FileSystem } from '../ports.ts'
import type { Queue } from '../queue.ts'
import type { SegmentRow } from '../state/stored-rows.ts'

/** Offsets that are lost, from `from` to before `to`. */
export interface Hole {
  readonly queue: QueueUid
  readonly from: number
  readonly to: number
  /** Of the records beside them. */
  readonly appendTimeMs: number
  /** No record was there: compaction had taken them. */
  readonly isCompacted?: boolean
}

export interface DamagedSegment {
  readonly row: SegmentRow
  /** Its file is not there at all. */
  readonly isMissing: boolean
  /** Stretches of the file where groups were. */
  readonly damages: readonly Damage[]
  /** Batches whose records are damaged, by their position, with the offset after their last. */
  readonly badBatches: ReadonlyMap<number, Hole>
  /** Offsets of runs that are not there at all. */
  readonly gaps: readonly Hole[]
}

export interface SurveyParts {
  readonly catalog: Catalog
  readonly fileSystem: FileSystem
  readonly logFolder: string
  readonly storeId: Buffer
  /** Of the newest sealed group. */
  readonly sequence: () => number
}

interface Found {
  readonly row: SegmentRow
  isMissing: boolean
  damages: readonly Damage[]
  runs: ScannedRun[]
  /** Of a copy: offsets that are in no run of it were compacted away, unless it is damaged. */
  readonly stretches: Stretch[]
  readonly badBatches: Map<number, Hole>
  readonly gaps: Hole[]
  /** The order of the log. */
  readonly index: number
}

/** How far a queue has come, and where. */
interface Reached {
  readonly queue: Queue
  end: number
  /** Of the offsets up to here none is lost that is in no run. */
  coveredTo: number
  /** Up to here there are runs. */
  runsTo: number
  index: number
  appendTimeMs: number
  /** A damaged batch at the end: what follows says how far it went. */
  open: { readonly found: Found; readonly batch: BatchHead } | undefined
}

/** The damaged segments among the live ones, in the order of the log. */
export async function surveyDamage(parts: SurveyParts): Promise<DamagedSegment[]> {
  const survey = new Survey(parts)
  const rows = [...parts.catalog.segments.values()]
  for (const row of rows.sort((a, b) => a.firstSequence - b.firstSequence)) await survey.read(row)
  return survey.finish()
}

class Survey {
  readonly #parts: SurveyParts
  readonly #found: Found[] = []
  readonly #reached = new Map<QueueUid, Reached>()

  constructor(parts: SurveyParts) {
    this.#parts = parts
  }

  async read(row: SegmentRow): Promise<void> {
    const { fileSystem, logFolder } = this.#parts
    const found: Found = {
      row,
      isMissing: false,
      damages: [],
      runs: [],
      stretches: [],
      badBatches: new Map(),
      gaps: [],
      index: this.#found.length
    }
    this.#found.push(found)
    const path = `${logFolder}/${segmentFileName(row.id)}`
    const file = await fileSystem.open(path, 'read').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return undefined
    })
    if (file === undefined) {
      const what = 'its file is not there'
      found.isMissing = true
      found.damages = [{ segment: row.id, fromPosition: 0, toPosition: 0, what }]
      return
    }
    try {
      await this.#scan(found, file)
    } finally {
      await file.close()
    }
  }

  async #scan(found: Found, file: File): Promise<void> {
    const { storeId, sequence } = this.#parts
    const { row } = found
    const window = new FileWindow(file, await file.size())
    const sink = {
      group: async ({ entries }: ScannedGroup) => {
        for (const entry of entries)
          if (entry.kind === 'run') await this.#run(found, entry, window)
          else if (entry.kind === 'stretches') found.stretches.push(...entry.stretches)
      }
    }
    const place = { storeId, segmentId: row.id, position: segmentHeaderBytes }
    // Behind the last group of the open segment there is nothing to be missed.
    const durableThrough = row.lastSequence < 0 ? sequence() : Number.MAX_SAFE_INTEGER
    const end = await scanSegment(file, { ...place, durableThrough }, sink)
    found.damages = [...end.damages, ...noFooter(row, end)]
    // Only now is it known whether there is damage between two runs.
    const stretches = found.damages.length > 0 ? [] : found.stretches
    for (const stretch of stretches) this.#reach(found, stretch)
    for (const run of found.runs) this.#take(found, run)
    for (const stretch of stretches) this.#cover(found, stretch)
    found.runs = []
  }

  async #run(found: Found, run: ScannedRun, window: FileWindow): Promise<void> {
    found.runs.push(run)
    for (const batch of run.batches)
      if (!(await isPayloadSound(window, batch))) found.badBatches.set(batch.position, none)
  }

  finish(): DamagedSegment[] {
    for (const queue of this.#parts.catalog.queues.values()) {
      const { sealedEnd } = queue
      const reached = this.#reachedBy(queue, 0)
      this.#close(reached, sealedEnd)
      // A queue whose end is lost must not end with offsets that lead nowhere.
      const { end, runsTo } = reached
      const behind = this.#damagedSince(reached, this.#found.length - 1)
      if (runsTo < end) behind?.gaps.push({ ...holeOf(reached, runsTo, end), isCompacted: true })
      if (reached.end < sealedEnd) this.#gap(reached, this.#found.length - 1, sealedEnd)
    }
    return this.#found.filter(
      ({ damages, badBatches, gaps }) =>
        damages.length > 0 || badBatches.size > 0 || gaps.length > 0
    )
  }

  /** What is missing before the offsets that a sound copy stands for is lost; what is missing within them is not. */
  #reach(found: Found, { queue: uid, firstOffset, nextOffset }: Stretch): void {
    const queue = this.#parts.catalog.queues.get(uid)
    if (queue === undefined) return
    const reached = this.#reachedBy(queue, 0)
    this.#close(reached, firstOffset)
    if (firstOffset > reached.end) this.#gap(reached, found.index, firstOffset)
    reached.index = found.index
    reached.coveredTo = nextOffset
  }

  #cover(found: Found, { queue: uid, nextOffset }: Stretch): void {
    const reached = this.#reached.get(uid)
    if (reached === undefined) return
    this.#close(reached, nextOffset)
    reached.index = found.index
    reached.end = Math.max(reached.end, nextOffset)
  }

  #take(found: Found, { run, batches }: ScannedRun): void {
    const queue = this.#parts.catalog.queues.get(run.queue)
    if (queue === undefined) return
    const reached = this.#reachedBy(queue, run.appendTimeMs)
    this.#close(reached, run.baseOffset)
    if (run.baseOffset > Math.max(reached.end, reached.coveredTo))
      this.#gap(reached, found.index, run.baseOffset)
    reached.index = found.index
    reached.appendTimeMs = run.appendTimeMs
    for (const batch of batches) {
      this.#close(reached, batch.baseOffset)
      if (found.badBatches.has(batch.position)) reached.open = { found, batch }
      reached.end = Math.max(reached.end, batch.baseOffset + batch.lastOffsetDelta + 1)
    }
    reached.runsTo = reached.end
  }

  #reachedBy(queue: Queue, appendTimeMs: number): Reached {
    const known = this.#reached.get(queue.uid)
    if (known !== undefined) return known
    const { logStart } = queue
    const begun = { end: logStart, coveredTo: 0, runsTo: logStart, index: 0, open: undefined }
    const fresh: Reached = { queue, ...begun, appendTimeMs }
    this.#reached.set(queue.uid, fresh)
    return fresh
  }

  /** A damaged batch does not know for sure how far it goes: to where the next one begins. */
  #close(reached: Reached, to: number): void {
    const { open, appendTimeMs } = reached
    if (open === undefined) return
    reached.open = undefined
    const { found, batch } = open
    reached.end = Math.max(to, batch.baseOffset)
    const { position, baseOffset: from } = batch
    const queue = reached.queue.uid
    found.badBatches.set(position, { queue, from, to: reached.end, appendTimeMs })
  }

  /** Offsets that are in no run: lost if groups were, since the queue's last one. Others compaction took. */
  #gap(reached: Reached, until: number, to: number): void {
    this.#damagedSince(reached, until)?.gaps.push(holeOf(reached, reached.end, to))
    reached.end = to
  }

  #damagedSince({ index }: Reached, until: number): Found | undefined {
    return this.#found.slice(index, until + 1).find((one) => one.damages.length > 0)
  }
}

function holeOf({ queue, appendTimeMs }: Reached, from: number, to: number): Hole {
  return { queue: queue.uid, from, to, appendTimeMs }
}

/** A sealed segment that ends without a footer is damaged too. */
function noFooter({ id: segment, lastSequence }: SegmentRow, end: ScanEnd): Damage[] {
  if (end.footer !== undefined || lastSequence < 0) return []
  const { position } = end
  return [{ segment, fromPosition: position, toPosition: position, what: 'it has no footer' }]
}

const none: Hole = { queue: 0, from: 0, to: 0, appendTimeMs: 0 }
