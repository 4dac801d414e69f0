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
import type { FileSystem } from '../ports.ts'
import type { Queue } from '../queue.ts'
import type { SegmentRow } from '../state/stored-rows.ts'

/** Offsets that are lost, from `from` to before `to`. */
export interface Hole {
  readonly queue: QueueUid
  readonly from: number
  readonly to: number
  /** Of the records beside them. */
  readonly appendTimeMs: number
}

export interface DamagedSegment {
  readonly row: SegmentRow
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
  damages: readonly Damage[]
  runs: ScannedRun[]
  readonly badBatches: Map<number, Hole>
  readonly gaps: Hole[]
  /** The order of the log. */
  readonly index: number
}

/** How far a queue has come, and where. */
interface Reached {
  readonly queue: Queue
  end: number
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
    const { fileSystem, logFolder, storeId, sequence } = this.#parts
    const found: Found = {
      row,
      damages: [],
      runs: [],
      badBatches: new Map(),
      gaps: [],
      index: this.#found.length
    }
    this.#found.push(found)
    const file = await fileSystem.open(`${logFolder}/${segmentFileName(row.id)}`, 'read')
    try {
      const window = new FileWindow(file, await file.size())
      const sink = {
        group: async ({ entries }: ScannedGroup) => {
          for (const entry of entries)
            if (entry.kind === 'run') await this.#run(found, entry, window)
        }
      }
      const place = { storeId, segmentId: row.id, position: segmentHeaderBytes }
      // Behind the last group of the open segment there is nothing to be missed.
      const durableThrough = row.lastSequence < 0 ? sequence() : Number.MAX_SAFE_INTEGER
      const end = await scanSegment(file, { ...place, durableThrough }, sink)
      found.damages = [...end.damages, ...noFooter(row, end)]
      // Only now is it known whether there is damage between two runs.
      for (const run of found.runs) this.#take(found, run)
      found.runs = []
    } finally {
      await file.close()
    }
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
      if (reached.end < sealedEnd) this.#gap(reached, this.#found.length - 1, sealedEnd)
    }
    return this.#found.filter(
      ({ damages, badBatches, gaps }) =>
        damages.length > 0 || badBatches.size > 0 || gaps.length > 0
    )
  }

  #take(found: Found, { run, batches }: ScannedRun): void {
    const queue = this.#parts.catalog.queues.get(run.queue)
    if (queue === undefined) return
    const reached = this.#reachedBy(queue, run.appendTimeMs)
    this.#close(reached, run.baseOffset)
    if (run.baseOffset > reached.end) this.#gap(reached, found.index, run.baseOffset)
    reached.index = found.index
    reached.appendTimeMs = run.appendTimeMs
    for (const batch of batches) {
      this.#close(reached, batch.baseOffset)
      if (found.badBatches.has(batch.position)) reached.open = { found, batch }
      reached.end = Math.max(reached.end, batch.baseOffset + batch.lastOffsetDelta + 1)
    }
  }

  #reachedBy(queue: Queue, appendTimeMs: number): Reached {
    const known = this.#reached.get(queue.uid)
    if (known !== undefined) return known
    const fresh = { queue, end: queue.logStart, index: 0, appendTimeMs, open: undefined }
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
    const found = this.#found.slice(reached.index, until + 1).find((one) => one.damages.length > 0)
    const { queue, end: from, appendTimeMs } = reached
    found?.gaps.push({ queue: queue.uid, from, to, appendTimeMs })
    reached.end = to
  }
}

/** A sealed segment that ends without a footer is damaged too. */
function noFooter({ id: segment, lastSequence }: SegmentRow, end: ScanEnd): Damage[] {
  if (end.footer !== undefined || lastSequence < 0) return []
  const { position } = end
  return [{ segment, fromPosition: position, toPosition: position, what: 'it has no footer' }]
}

const none: Hole = { queue: 0, from: 0, to: 0, appendTimeMs: 0 }
