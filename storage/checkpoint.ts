/**
 * Checkpoints: LevelDB's view is brought to an address of the log, durably, and a snapshot of all state is written
 * beside it now and then, from which the view can be rebuilt.
 */
import type { Catalog } from './catalog.ts'
import {
  type Capture,
  captureChanges,
  type SnapshotCapture,
  snapshotRows,
  viewRows
} from './checkpoint-capture.ts'
import { isNoSpace } from './disk-full-error.ts'
import { indexBlocksOf } from './index-block.ts'
import type { IndexDb, ViewMark, ViewSnapshot } from './index-db.ts'
import type { KeyTable } from './key-table.ts'
import { pruneSnapshots, snapshotsKept, writeSnapshot } from './layout/snapshot.ts'
import type { Clock, FileSystem, LogSink } from './ports.ts'
import type { ReplayBacklog } from './replay-backlog.ts'
import type { RunIndex } from './run-index.ts'
import type { SegmentUsage } from './segment-usage.ts'
import type { StoreSettings } from './settings.ts'
import type { SegmentRow, StoredRow } from './state/stored-rows.ts'

/** Writes of a checkpoint for each entry that comes beside it, so that it is done before many have come. */
const writesPerEntry = 4

export interface CheckpointParts {
  readonly catalog: Catalog
  readonly db: IndexDb
  readonly index: RunIndex
  readonly keys: KeyTable
  readonly usage: SegmentUsage
  readonly backlog: ReplayBacklog
  /** Index entries in memory that the open read. */
  readonly runsHeld: number
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly clusterId: string
  readonly clock: Clock
  readonly settings: StoreSettings
  readonly logSink: LogSink
  readonly onFailed: (error: Error) => void
  /** A snapshot met the end of the disk: there is no room for checkpoints. */
  readonly onDiskFull: () => void
  /** Snapshots that can be read at open, by sequence, newest first. */
  readonly snapshots: readonly number[]
  /** A checkpoint is due, though nothing is being committed. */
  readonly onDue: () => void
}

/** A snapshot, and what was live when it was taken. */
export interface WrittenSnapshot {
  readonly sequence: number
  /** Where the log went on. */
  readonly address: { readonly segment: number; readonly position: number }
  readonly segments: readonly SegmentRow[]
}

export class Checkpointer {
  readonly #parts: CheckpointParts
  #running: Promise<void> | undefined
  /** A snapshot is being written, while checkpoints go on. */
  #snapshotting: Promise<void> | undefined
  #bytesSince = 0
  #runsHeld: number
  #snapshotDue = false
  #failed = false
  #closing = false
  #holds = 0
  /** Those who wait for the next snapshot. */
  #waiting: (() => void)[] = []
  /** Those who wait for a checkpoint to come further. */
  #watching: (() => void)[] = []

  /** By sequence, newest first. */
  #snapshots: readonly number[]
  #lastWritten: WrittenSnapshot | undefined

  constructor(parts: CheckpointParts) {
    this.#parts = parts
    this.#snapshots = parts.snapshots
    this.#runsHeld = parts.runsHeld
  }

  /** The last group that all kept snapshots hold the state of; -1 while there are not enough of them. */
  get snapshotFloor(): number {
    return this.#snapshots[snapshotsKept - 1] ?? -1
  }

  /** Sequence of the newest snapshot, -1 for none. */
  get newestSnapshot(): number {
    return this.#snapshots[0] ?? -1
  }

  /** Sequences of the kept snapshots that can be read, newest first. */
  get snapshots(): readonly number[] {
    return this.#snapshots
  }

  /** The newest snapshot, if it was written since the open. */
  get lastWritten(): WrittenSnapshot | undefined {
    return this.#lastWritten
  }

  /** A group of this size, with this many runs, is durable. */
  note(bytes: number, runs: number): void {
    this.#bytesSince += bytes
    this.#runsHeld += runs
  }

  /** The next checkpoint is due and writes a snapshot too: a segment was sealed, or one could go. */
  wantSnapshot(): void {
    this.#snapshotDue = true
  }

  /** Resolves when the next snapshot is written, or there will be none: ask for `newestSnapshot`. */
  async snapshotNow(): Promise<void> {
    if (this.#failed || this.#closing) return
    this.#snapshotDue = true
    const written = new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#parts.onDue()
    await written
  }

  /** The store closes: whoever waits for a snapshot waits no longer, and there is only the last one. */
  takeNoMore(): void {
    this.#closing = true
    this.#releaseAll()
  }

  /** There is no room for one: whoever waits for a snapshot waits no longer. Returns false. */
  putOff(): false {
    this.#releaseAll()
    return false
  }

  /** There will be no checkpoint any more: the store has failed. */
  abandon(): void {
    this.#failed = true
    this.#releaseAll()
  }

  #releaseAll(): void {
    for (const release of this.#waiting) release()
    this.#waiting = []
    this.#tellProgress()
  }

  /** Resolves when the view has what a checkpoint is about, or the next may begin; undefined where neither will be. */
  progress(): Promise<void> | undefined {
    if (this.#failed || (this.#running === undefined && this.#holds === 0)) return undefined
    return new Promise((resolve) => this.#watching.push(resolve))
  }

  #tellProgress(): void {
    for (const tell of this.#watching) tell()
    this.#watching = []
  }

  isDue(): boolean {
    if (this.#running !== undefined || this.#failed || this.#holds > 0) return false
    const { settings, keys, catalog, backlog } = this.#parts
    return (
      (this.#snapshotDue && this.#snapshotting === undefined) ||
      backlog.isDue ||
      catalog.state.timers.dirtyCount >= settings.heldTimersMax ||
      this.#bytesSince >= settings.checkpointBytes ||
      this.#runsHeld + keys.count >= settings.checkpointRunsMax
    )
  }

  /** No checkpoint begins until `release`, called as often; resolves when none is under way. */
  async hold(): Promise<void> {
    this.#holds++
    await this.idle()
  }

  release(): void {
    if (--this.#holds > 0) return
    this.#parts.onDue()
    this.#tellProgress()
  }

  /** Captures the catalog now (everything sealed must be durable) and writes it in the background. */
  begin(mark: ViewMark): void {
    const capture = this.#capture(mark, this.#snapshotDue && this.#snapshotting === undefined)
    this.#running = this.#writeView(capture)
      .then((asCaptured) => {
        if (asCaptured === undefined) return
        this.#snapshotting = this.#snapshot(capture, asCaptured)
          .catch((error: Error) => this.#fail(error))
          .finally(() => {
            this.#snapshotting = undefined
            this.#nextSnapshot()
          })
      })
      .catch((error: Error) => this.#fail(error))
      .finally(() => {
        this.#running = undefined
        this.#nextSnapshot()
        this.#tellProgress()
      })
  }

  /** A view that failed a write is never gone on with: a restart rebuilds it. */
  #fail(error: Error): void {
    this.abandon()
    this.#parts.onFailed(error)
  }

  /** One that was asked for meanwhile is due. */
  #nextSnapshot(): void {
    if (this.#snapshotDue && this.#snapshotting === undefined && !this.#failed) this.#parts.onDue()
  }

  /** The last checkpoint of a closing store, with a snapshot. Rejects if it cannot be written. */
  async finish(mark: ViewMark): Promise<void> {
    await this.idle()
    const capture = this.#capture(mark, true)
    const asCaptured = await this.#writeView(capture)
    if (asCaptured !== undefined) await this.#snapshot(capture, asCaptured)
  }

  /** Waits for a checkpoint and a snapshot under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined || this.#snapshotting !== undefined)
      await (this.#running ?? this.#snapshotting)
  }

  #capture(mark: ViewMark, withSnapshot: boolean): Capture {
    this.#parts.backlog.take()
    this.#bytesSince = 0
    if (withSnapshot) this.#snapshotDue = false
    return captureChanges(this.#parts, mark, this.#runsHeld, withSnapshot)
  }

  /** Returns what a snapshot is to be made of, if one is wanted. */
  async #writeView(capture: Capture): Promise<ViewSnapshot | undefined> {
    const { catalog, db, index, keys, usage, backlog } = this.#parts
    // Entries up to the captured counts do not change meanwhile: only what follows here drops them.
    const blocks = indexBlocksOf(capture.runs)
    const writes = { blocks, keys: capture.keys, usage: capture.usage }
    let seen = 0
    const pace = (): number => {
      const came = backlog.added.entries
      const since = came - seen
      seen = came
      return since * writesPerEntry
    }
    await db.checkpoint(capture.mark, viewRows(capture), writes, pace)
    const asCaptured = capture.snapshot && db.snapshot()
    backlog.written()
    this.#tellProgress()
    keys.written()
    catalog.state.timers.written()
    usage.written(capture.usage, capture.mark.applied.segment)
    for (const { queue, count, end } of capture.runs) if (!queue.gone) queue.noteIndexed(count, end)
    this.#runsHeld -= capture.runsHeld
    for (const uid of capture.dropped) index.forget(uid)
    await db.dropQueues(capture.dropped)
    await db.dropKeys(capture.droppedTopics)
    return asCaptured
  }

  async #snapshot({ mark, snapshot }: Capture, asCaptured: ViewSnapshot): Promise<void> {
    const { db } = this.#parts
    const { rows } = snapshot as SnapshotCapture
    try {
      const all = snapshotRows(snapshot as SnapshotCapture, db, asCaptured)
      await this.#writeSnapshot(mark, all, segmentsIn(rows))
    } finally {
      await asCaptured.close()
    }
  }

  /** One for which there was no room is written with the next checkpoint. */
  async #writeSnapshot(
    mark: ViewMark,
    rows: ReturnType<typeof snapshotRows>,
    segments: readonly SegmentRow[]
  ): Promise<void> {
    const { fileSystem, folder, storeId, clusterId, logSink, onDiskFull } = this.#parts
    const { applied: address, sequence, appendTimeMs } = mark
    const header = { storeId, clusterId, sequence, address, appendTimeMs }
    try {
      await writeSnapshot(fileSystem, folder, header, rows)
    } catch (error) {
      if (!isNoSpace(error)) throw error
      logSink('warn', 'snapshot-not-written', { sequence, reason: (error as Error).message })
      this.#snapshotDue = true
      onDiskFull()
      return
    }
    const known = [sequence, ...this.#snapshots]
    const kept = await pruneSnapshots(fileSystem, folder, { known })
    this.#snapshots = kept.map((one) => one.sequence)
    this.#lastWritten = { sequence, address, segments }
    this.#releaseAll()
  }
}

function segmentsIn(rows: readonly StoredRow[]): SegmentRow[] {
  return rows.flatMap((entry) => (entry.family === 'segment' ? [entry.row] : []))
}
