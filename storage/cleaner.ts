/** Finds segments of which little is left, and has them rewritten: several become one. */
import type { Catalog } from './catalog.ts'
import type { Checkpointer } from './checkpoint.ts'
import { DiskFullError, isNoSpace } from './disk-full-error.ts'
import { StoreError } from './errors.ts'
import type { IndexDb } from './index-db.ts'
import type { LogSink } from './ports.ts'
import { type SegmentRewriter, StoppedError } from './segment-rewrite.ts'
import { type SegmentUsage, usageOf } from './segment-usage.ts'
import type { StoreSettings } from './settings.ts'
import type { SegmentRow } from './state/stored-rows.ts'

/** A segment with no more than this share of a full one's bytes alive may be cleaned. */
const liveShareMax = 1 / 2
/** More than this share of what there is must be dead, unless so many segments become one. */
const deadShareMin = 1 / 2
const segmentsToMerge = 8
/** Segments whose contents are added up anew in one check; the others wait for the next. */
const looksPerCheck = 64

export interface CleanerParts {
  readonly catalog: Catalog
  readonly db: IndexDb
  readonly usage: SegmentUsage
  readonly checkpointer: Checkpointer
  readonly rewriter: SegmentRewriter
  readonly settings: StoreSettings
  readonly logSink: LogSink
  readonly isStopped: () => boolean
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
  /** Damaged: left as they are. */
  readonly #left = new Set<number>()
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
    const { segments } = this.#parts.catalog
    for (const id of this.#known.keys()) if (!segments.has(id)) this.#forget(id)
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
    const { rewriter, logSink } = this.#parts
    const segments = sources.map(({ id }) => id)
    let row: SegmentRow | undefined
    try {
      row = await rewriter.rewrite(sources)
    } catch (error) {
      if (error instanceof StoreError) throw error
      if (error instanceof StoppedError) return false
      // Where there was no room there may be some later.
      if (!isNoSpace(error) && !(error instanceof DiskFullError))
        for (const id of segments) this.#left.add(id)
      logSink('warn', 'segments-not-cleaned', { segments, reason: (error as Error).message })
      return false
    }
    // Those with nothing left are deleted, not cleaned.
    if (row === undefined) return false
    for (const id of segments) this.#forget(id)
    const freedBytes = sources.reduce((sum, { dataBytes }) => sum + dataBytes, 0) - row.dataBytes
    this.counts.segments += sources.length
    this.counts.bytes += freedBytes
    logSink('info', 'segments-cleaned', { segments, into: row.id, freedBytes })
    return true
  }

  #forget(id: number): void {
    this.#known.delete(id)
    this.#stale.delete(id)
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
