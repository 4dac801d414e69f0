/**
 * Writes neighbouring segments anew, as one: what can be read of them is copied, by queue, into a new segment that
 * takes their place in the live set; index, then files follow. State entries are not copied: only segments that no
 * kept snapshot needs may be rewritten. A copy that is cut off is a file outside the live set; a swap that is cut off
 * after its group is durable is gone on with by the next open.
 */
import type { Catalog } from './catalog.ts'
import type { Checkpointer } from './checkpoint.ts'
import type { QueueUid } from './contract.ts'
import { CopyParts, isBefore, type Mark } from './copy-parts.ts'
import { StoreError } from './errors.ts'
import type { IndexDb } from './index-db.ts'
import { moveIndex } from './index-move.ts'
import type { Stretch } from './layout/stretches.ts'
import type { Clock, FileSystem, LogSink } from './ports.ts'
import type { QueueSizes } from './queue-sizes.ts'
import type { RunIndex } from './run-index.ts'
import type { Upkeep } from './sealed-group.ts'
import { beginCopy, type PlacedRun, type RunFilter, scanRuns } from './segment-copy.ts'
import type { SegmentFiles } from './segment-files.ts'
import { SegmentUsage } from './segment-usage.ts'
import type { StoreSettings } from './settings.ts'
import type { SegmentRow } from './state/stored-rows.ts'

/** Runs that are copied at a time, for they are listed in memory. */
const runsMax = 100_000
/** Pauses shorter than this are not made. */
const pauseMsMin = 5

export interface SegmentRewriteParts {
  readonly catalog: Catalog
  readonly db: IndexDb
  readonly index: RunIndex
  readonly usage: SegmentUsage
  readonly sizes: QueueSizes
  readonly files: SegmentFiles
  readonly checkpointer: Checkpointer
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly settings: StoreSettings
  readonly clock: Clock
  readonly logSink: LogSink
  /** A group of the store's own; resolves once it is durable. Rejects with StoreError. */
  readonly upkeep: (upkeep: Upkeep) => Promise<void>
  readonly onFreed: () => Promise<void>
  readonly onFailed: (error: Error) => void
  readonly isStopped: () => boolean
}

/** What is in the sources. */
interface Survey {
  /** Each begins a part of so many runs that they can be listed; the first is before all. */
  readonly parts: readonly Mark[]
  readonly stretches: readonly Stretch[]
  readonly hasRuns: boolean
  /** Queues that lose runs which nobody can read. */
  readonly losing: ReadonlySet<QueueUid>
}

/** The store is being closed: nothing was done. */
export class StoppedError extends Error {
  constructor() {
    super('the store is being closed')
    this.name = 'StoppedError'
  }
}

/** A segment that cannot be rewritten: it is damaged. */
export class DamagedError extends Error {
  readonly segment: number

  constructor(segment: number) {
    super(`segment ${segment} is damaged`)
    this.name = 'DamagedError'
    this.segment = segment
  }
}

export class SegmentRewriter {
  readonly #parts: SegmentRewriteParts
  /** Ends pauses under way. */
  readonly #pauses = new Set<() => void>()

  constructor(parts: SegmentRewriteParts) {
    this.#parts = parts
  }

  /**
   * Makes one segment of neighbours that are sealed and at or before the snapshot floor. Returns its row, undefined if
   * there was nothing to be made. Rejects with DamagedError, StoppedError, what the filter and the file system reject
   * with; the segments are as they were then. Rejects with StoreError where the store cannot commit.
   */
  async rewrite(
    sources: readonly SegmentRow[],
    filter?: RunFilter
  ): Promise<SegmentRow | undefined> {
    const { catalog } = this.#parts
    const id = catalog.counters.nextSegmentId
    catalog.counters = { ...catalog.counters, nextSegmentId: id + 1 }
    let row: SegmentRow | undefined
    let survey: Survey
    try {
      survey = await this.#survey(sources, filter)
      if (!survey.hasRuns && survey.stretches.length === 0) return undefined
      row = await this.#copy(sources, id, survey, filter)
    } catch (error) {
      await this.#remove(id)
      throw error
    }
    await this.#swap(sources, row, survey, filter)
    return row
  }

  /** Pauses under way end: the store is being closed. */
  wake(): void {
    for (const end of [...this.#pauses]) end()
  }

  /** Never faster than the setting says: writers and readers use the same disk. Rejects with StoppedError. */
  readonly pace = async (bytes: number): Promise<void> => {
    const { clock, settings, isStopped } = this.#parts
    const pauseMs = Math.ceil((bytes * 1000) / settings.cleanerBytesPerSecondMax)
    // Others have their turn in any case.
    if (pauseMs < pauseMsMin) await new Promise<void>((resolve) => setImmediate(resolve))
    else if (!isStopped())
      await new Promise<void>((resolve) => {
        const end = (): void => {
          timer.cancel()
          this.#pauses.delete(end)
          resolve()
        }
        const timer = clock.after(pauseMs, end)
        this.#pauses.add(end)
      })
    if (isStopped()) throw new StoppedError()
  }

  async #survey(sources: readonly SegmentRow[], filter: RunFilter | undefined): Promise<Survey> {
    const { catalog } = this.#parts
    const runs = new CopyParts(runsMax)
    const stretches = new Map<QueueUid, Stretch>()
    const losing = new Set<QueueUid>()
    const widen = (stretch: Stretch): void => {
      const { queue, nextOffset } = stretch
      const logStart = catalog.queues.get(queue)?.logStart ?? Number.POSITIVE_INFINITY
      if (nextOffset > logStart) stretches.set(queue, union(stretches.get(queue), stretch))
    }
    const onRun = (run: PlacedRun): void => {
      const { queue, baseOffset: firstOffset, nextOffset } = run
      if (!catalog.isNeeded(queue, firstOffset, nextOffset)) {
        losing.add(queue)
        return
      }
      if (filter?.concerns(run)) widen({ queue, firstOffset, nextOffset })
      runs.add(queue, firstOffset)
    }
    for (const { id } of sources)
      if (!(await scanRuns(this.#parts, id, { run: onRun, stretch: widen })))
        throw new DamagedError(id)
    return {
      parts: runs.marks(),
      stretches: [...stretches.values()].sort((a, b) => a.queue - b.queue),
      hasRuns: runs.count > 0,
      losing
    }
  }

  /** The new segment, durable. */
  async #copy(
    sources: readonly SegmentRow[],
    id: number,
    { parts, stretches }: Survey,
    filter: RunFilter | undefined
  ): Promise<SegmentRow> {
    const { catalog, usage, clock } = this.#parts
    const createdMs = clock.now()
    // Its own until it is complete: checkpoints go on meanwhile, and take what there is.
    const made = new SegmentUsage()
    const onRun = (run: PlacedRun): void => made.add(id, run.queue, run)
    const options = { catalog, id, createdMs, filter, pace: this.pace, onRun }
    const copy = await beginCopy(this.#parts, options)
    try {
      await copy.stretches(stretches)
      for (const [i, from] of parts.entries())
        await copy.runs(await this.#runsOf(sources, from, parts[i + 1]))
      const dataBytes = await copy.finish()
      for (const stretch of stretches) made.cover(id, stretch)
      usage.put(id, made.get(id) ?? [])
      const firstSequence = (sources[0] as SegmentRow).firstSequence
      const { lastSequence } = sources.at(-1) as SegmentRow
      return { id, firstSequence, lastSequence, dataBytes }
    } finally {
      await copy.close()
    }
  }

  /** The sources' readable runs of one part, by queue and offset. */
  async #runsOf(
    sources: readonly SegmentRow[],
    from: Mark,
    to: Mark | undefined
  ): Promise<PlacedRun[]> {
    const { catalog } = this.#parts
    const runs: PlacedRun[] = []
    const take = (run: PlacedRun): void => {
      if (!catalog.isNeeded(run.queue, run.baseOffset, run.nextOffset)) return
      if (isBefore(run, from) || (to !== undefined && !isBefore(run, to))) return
      runs.push(run)
    }
    for (const { id } of sources)
      if (!(await scanRuns(this.#parts, id, { run: take }))) throw new DamagedError(id)
    return runs.sort((a, b) => a.queue - b.queue || a.baseOffset - b.baseOffset)
  }

  async #swap(
    sources: readonly SegmentRow[],
    row: SegmentRow,
    { losing, stretches }: Survey,
    filter: RunFilter | undefined
  ): Promise<void> {
    const { catalog, index, sizes, checkpointer, upkeep } = this.#parts
    // The view must not say that it has the swap before its index has.
    await checkpointer.hold()
    try {
      const dropSegments = sources.map(({ id }) => id)
      await upkeep({ dropSegments, addSegment: row, roll: false }).catch(async (error) => {
        // Refused: the copy is not in the log, and the next try makes another one.
        if (error instanceof StoreError && error.code !== 'io-failed') await this.#remove(row.id)
        throw error
      })
      await moveIndex(this.#parts, catalog, row.id, (queue) => index.forget(queue)).catch(
        (error: Error) => {
          // The next open goes on with the swap: nothing may say before that it is done.
          this.#parts.onFailed(error)
          throw error
        }
      )
    } finally {
      checkpointer.release()
    }
    const changed = new Set(losing)
    if (filter !== undefined) for (const { queue } of stretches) changed.add(queue)
    for (const uid of changed) {
      const queue = catalog.queues.get(uid)
      if (queue !== undefined) sizes.recount(queue)
    }
    for (const { id } of sources) await this.#remove(id)
    const { fileSystem, folder, onFreed } = this.#parts
    await fileSystem.syncFolder(folder).catch(() => undefined)
    await onFreed()
  }

  async #remove(id: number): Promise<void> {
    const { usage, db, files, logSink } = this.#parts
    usage.forget(id)
    await db.dropUsage(id)
    await files.remove(id).catch((error: Error) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      logSink('warn', 'segment-not-removed', { segment: id, reason: error.message })
    })
  }
}

function union(known: Stretch | undefined, { queue, firstOffset, nextOffset }: Stretch): Stretch {
  return {
    queue,
    firstOffset: Math.min(firstOffset, known?.firstOffset ?? firstOffset),
    nextOffset: Math.max(nextOffset, known?.nextOffset ?? nextOffset)
  }
}
