/**
 * Cleans segments of which little is left: their readable runs are copied, by queue, into a new segment that takes
 * their place in the live set; index, then files follow. State entries are not copied: only segments that no kept
 * snapshot needs are cleaned. A copy that is cut off is a file outside the live set; a swap that is cut off after its
 * group is durable is gone on with by the next open.
 */
import type { Catalog } from './catalog.ts'
import type { Checkpointer } from './checkpoint.ts'
import { DiskFullError, isNoSpace } from './disk-full-error.ts'
import { StoreError } from './errors.ts'
import type { IndexDb } from './index-db.ts'
import { moveIndex } from './index-move.ts'
import { segmentFileName } from './layout/segment.ts'
import type { Clock, FileSystem, LogSink } from './ports.ts'
import type { RunIndex } from './run-index.ts'
import type { Upkeep } from './sealed-group.ts'
import { copyRuns, type PlacedRun, scanRuns } from './segment-copy.ts'
import type { SegmentFiles } from './segment-files.ts'
import { type SegmentUsage, usageOf } from './segment-usage.ts'
import type { StoreSettings } from './settings.ts'
import type { SegmentRow } from './state/stored-rows.ts'

/** A segment with no more than this share of a full one's bytes alive may be cleaned. */
const liveShareMax = 1 / 2
/** More than this share of what there is must be dead, unless so many segments become one. */
const deadShareMin = 1 / 2
const segmentsToMerge = 8
/** Runs that are copied at a time, for they are listed in memory. */
const runsMax = 200_000
/** Segments whose contents are added up anew in one check; the others wait for the next. */
const looksPerCheck = 64
/** Pauses shorter than this are not made. */
const pauseMsMin = 5

export interface CleanerParts {
  readonly catalog: Catalog
  readonly db: IndexDb
  readonly index: RunIndex
  readonly usage: SegmentUsage
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

/** A segment that was made, and its runs where they stand in it. */
interface Copy {
  readonly row: SegmentRow
  readonly runs: readonly PlacedRun[]
}

/** Bytes of batches in a segment, and of those that can be read. */
interface Contents {
  readonly bytes: number
  readonly liveBytes: number
}

interface Candidate extends Contents {
  readonly row: SegmentRow
}

export class Cleaner {
  readonly #parts: CleanerParts
  /** What was in segments when they were looked at last. */
  readonly #known = new Map<number, Contents>()
  /** Segments not looked at since something died. */
  #stale = new Set<number>()
  #deaths = -1
  #looksLeft = 0
  /** Damaged, or with too many runs: left as they are. */
  readonly #left = new Set<number>()
  #wake: () => void = () => undefined
  readonly counts = { segments: 0, bytes: 0 }

  constructor(parts: CleanerParts) {
    this.#parts = parts
  }

  /**
   * Cleans what is worth it. False: there are segments left to be looked at. Rejects with StoreError where the store
   * cannot commit.
   */
  async run(): Promise<boolean> {
    this.#looksLeft = looksPerCheck
    for (;;) {
      const batch = await this.#chooseBatch()
      if (batch === undefined || this.#parts.isStopped()) break
      if (!(await this.#clean(batch.map(({ row }) => row)))) break
    }
    return this.#looksLeft > 0 || this.#stale.size === 0
  }

  /** Neighbours in the log of which one segment can be made. */
  async #chooseBatch(): Promise<Candidate[] | undefined> {
    const { catalog, checkpointer, settings } = this.#parts
    if (this.#deaths !== catalog.deaths) for (const id of this.#known.keys()) this.#stale.add(id)
    this.#deaths = catalog.deaths
    let batch: Candidate[] = []
    let bytes = 0
    const bytesMax = settings.segmentBytes * liveShareMax
    for (const row of [...catalog.segments.values()].sort(byPlace)) {
      const isFree = row.lastSequence >= 0 && row.lastSequence <= checkpointer.snapshotFloor
      const isKnown = isFree && !this.#left.has(row.id)
      const contents = isKnown ? await this.#contents(row.id) : undefined
      const fits = contents !== undefined && contents.liveBytes <= bytesMax
      if (!fits || bytes + contents.liveBytes > bytesMax) {
        if (isWorthIt(batch)) return batch
        batch = []
        bytes = 0
      }
      if (!fits) continue
      batch.push({ row, ...contents })
      bytes += contents.liveBytes
    }
    return isWorthIt(batch) ? batch : undefined
  }

  /** Undefined where nothing is known. A part that the log start is within counts whole. */
  async #contents(segment: number): Promise<Contents | undefined> {
    const known = this.#known.get(segment)
    if (known !== undefined && !this.#stale.has(segment)) return known
    if (this.#looksLeft === 0) {
      this.#stale.add(segment)
      return known
    }
    this.#looksLeft--
    const { catalog } = this.#parts
    const entries = await usageOf(segment, this.#parts)
    if (entries === undefined) return undefined
    let bytes = 0
    let liveBytes = 0
    for (const { queue, firstOffset, nextOffset, bytes: entryBytes } of entries) {
      bytes += entryBytes
      if (catalog.isNeeded(queue, firstOffset, nextOffset)) liveBytes += entryBytes
    }
    const contents = { bytes, liveBytes }
    this.#known.set(segment, contents)
    this.#stale.delete(segment)
    return contents
  }

  /** False if there was nothing to be made. */
  async #clean(sources: readonly SegmentRow[]): Promise<boolean> {
    const { catalog, logSink } = this.#parts
    const id = catalog.counters.nextSegmentId
    catalog.counters = { ...catalog.counters, nextSegmentId: id + 1 }
    let copy: Copy | undefined
    try {
      copy = await this.#copy(sources, id)
    } catch (error) {
      // Where there was no room there may be some later.
      if (!isNoSpace(error) && !(error instanceof DiskFullError))
        for (const source of sources) this.#left.add(source.id)
      const segments = sources.map((source) => source.id)
      logSink('warn', 'segments-not-cleaned', { segments, reason: (error as Error).message })
      await this.#remove(id)
    }
    if (copy !== undefined) await this.#swap(sources, copy)
    return copy !== undefined
  }

  /** The new segment, durable; undefined if there is nothing to be made. */
  async #copy(sources: readonly SegmentRow[], id: number): Promise<Copy | undefined> {
    const { catalog, usage, clock } = this.#parts
    const runs: PlacedRun[] = []
    for (const source of sources) {
      const isSound = await scanRuns(this.#parts, source.id, (run) => {
        if (runs.length > runsMax) return
        if (catalog.isNeeded(run.queue, run.baseOffset, run.nextOffset)) runs.push(run)
      })
      if (isSound && runs.length <= runsMax) continue
      this.#left.add(source.id)
      return undefined
    }
    // Those with nothing left are deleted, not cleaned.
    if (runs.length === 0) return undefined
    runs.sort((a, b) => a.queue - b.queue || a.baseOffset - b.baseOffset)
    const createdMs = clock.now()
    const pace = (bytes: number) => this.#pace(bytes)
    const { runs: copied, dataBytes } = await copyRuns(this.#parts, runs, {
      catalog,
      id,
      createdMs,
      pace
    })
    usage.begin(id)
    for (const run of copied) usage.add(id, run.queue, run)
    const firstSequence = (sources[0] as SegmentRow).firstSequence
    const { lastSequence } = sources.at(-1) as SegmentRow
    return { row: { id, firstSequence, lastSequence, dataBytes }, runs: copied }
  }

  /** A pause under way ends: the store is being closed. */
  wake(): void {
    this.#wake()
  }

  /** Never faster than the setting says: writers and readers use the same disk. */
  async #pace(bytes: number): Promise<void> {
    const { clock, settings, isStopped } = this.#parts
    const pauseMs = Math.ceil((bytes * 1000) / settings.cleanerBytesPerSecondMax)
    if (pauseMs >= pauseMsMin && !isStopped())
      await new Promise<void>((resolve) => {
        const timer = clock.after(pauseMs, resolve)
        this.#wake = () => {
          timer.cancel()
          resolve()
        }
      })
    if (isStopped()) throw new Error('the store is being closed')
  }

  async #swap(sources: readonly SegmentRow[], { row, runs }: Copy): Promise<void> {
    const { catalog, db, index, checkpointer, upkeep, logSink } = this.#parts
    // The view must not say that it has the swap before its index has.
    await checkpointer.hold()
    try {
      const dropSegments = sources.map(({ id }) => id)
      await upkeep({ dropSegments, addSegment: row, roll: false }).catch(async (error) => {
        // Refused: the copy is not in the log, and the next try makes another one.
        if (error instanceof StoreError && error.code !== 'io-failed') await this.#remove(row.id)
        throw error
      })
      await moveIndex(db, catalog, runs, (queue) => index.forget(queue)).catch((error: Error) => {
        // The next open goes on with the swap: nothing may say before that it is done.
        this.#parts.onFailed(error)
        throw error
      })
    } finally {
      checkpointer.release()
    }
    for (const { id } of sources) await this.#remove(id)
    const bytes = sources.reduce((sum, { dataBytes }) => sum + dataBytes, 0) - row.dataBytes
    this.counts.segments += sources.length
    this.counts.bytes += bytes
    logSink('info', 'segments-cleaned', {
      segments: sources.map(({ id }) => id),
      into: row.id,
      freedBytes: bytes
    })
    const { fileSystem, folder, onFreed } = this.#parts
    await fileSystem.syncFolder(folder).catch(() => undefined)
    await onFreed()
  }

  async #remove(id: number): Promise<void> {
    const { usage, db, files, fileSystem, folder, logSink } = this.#parts
    usage.forget(id)
    this.#known.delete(id)
    this.#stale.delete(id)
    await db.dropUsage(id)
    await files.retire(id)
    await fileSystem.unlink(`${folder}/${segmentFileName(id)}`).catch((error: Error) => {
      logSink('warn', 'segment-not-removed', { segment: id, reason: error.message })
    })
  }
}

function byPlace(a: SegmentRow, b: SegmentRow): number {
  return a.firstSequence - b.firstSequence
}

function isWorthIt(batch: readonly Candidate[]): boolean {
  if (batch.length >= segmentsToMerge) return true
  let bytes = 0
  let liveBytes = 0
  for (const one of batch) {
    bytes += one.bytes
    liveBytes += one.liveBytes
  }
  return bytes - liveBytes > bytes * deadShareMin
}
