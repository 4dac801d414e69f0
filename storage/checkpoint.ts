/**
 * Checkpoints: LevelDB's view is brought to an address of the log, durably, and a snapshot of all state is written
 * beside it now and then, from which the view can be rebuilt.
 */
import type { Catalog } from './catalog.ts'
import { isNoSpace } from './disk-full-error.ts'
import { indexBlocksOf } from './index-block.ts'
import type { IndexDb, RowWrite, ViewMark } from './index-db.ts'
import type { KeyBlock, KeyTable } from './key-table.ts'
import { pruneSnapshots, snapshotsKept, writeSnapshot } from './layout/snapshot.ts'
import type { EncodedRow } from './layout/snapshot-write.ts'
import type { Clock, FileSystem, LogSink } from './ports.ts'
import type { Queue } from './queue.ts'
import type { RunIndex } from './run-index.ts'
import type { SegmentUsage, UsageBlock } from './segment-usage.ts'
import type { StoreSettings } from './settings.ts'
import { engineKeys, type SegmentRow, type StoredRow } from './state/stored-rows.ts'

export interface CheckpointParts {
  readonly catalog: Catalog
  readonly db: IndexDb
  readonly index: RunIndex
  readonly keys: KeyTable
  readonly usage: SegmentUsage
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

/** So many runs of a queue are new, and reach up to an offset. */
interface QueueRuns {
  readonly queue: Queue
  readonly count: number
  readonly end: number
}

/** The catalog's changes since the last checkpoint, as of one address. */
interface Capture {
  readonly mark: ViewMark
  readonly rows: readonly RowWrite[]
  readonly queues: QueueStates
  /** Queues with new runs, and how many of them. */
  readonly runs: readonly QueueRuns[]
  readonly runsHeld: number
  readonly keys: readonly KeyBlock[]
  readonly usage: readonly UsageBlock[]
  readonly dropped: readonly number[]
  readonly droppedTopics: readonly string[]
  readonly snapshot: SnapshotCapture | undefined
}

/** All rows but those of timers. */
interface SnapshotCapture {
  readonly rows: readonly StoredRow[]
  readonly queues: QueueStates
  readonly timerCount: number
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
  #bytesSince = 0
  #runsHeld = 0
  #snapshotDue = false
  #failed = false
  #closing = false
  #holds = 0
  /** Those who wait for the next snapshot. */
  #waiting: (() => void)[] = []

  /** By sequence, newest first. */
  #snapshots: readonly number[]
  #lastWritten: WrittenSnapshot | undefined

  constructor(parts: CheckpointParts) {
    this.#parts = parts
    this.#snapshots = parts.snapshots
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
  }

  isDue(): boolean {
    if (this.#running !== undefined || this.#failed || this.#holds > 0) return false
    const { settings, keys, catalog } = this.#parts
    return (
      this.#snapshotDue ||
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
    if (--this.#holds === 0) this.#parts.onDue()
  }

  /** Captures the catalog now (everything sealed must be durable) and writes it in the background. */
  begin(mark: ViewMark): void {
    const capture = this.#capture(mark, this.#snapshotDue)
    this.#running = this.#write(capture)
      .catch((error: Error) => {
        // A view that failed a write is never gone on with: a restart rebuilds it.
        this.abandon()
        this.#parts.onFailed(error)
      })
      .finally(() => {
        this.#running = undefined
        if (this.#snapshotDue && !this.#failed) this.#parts.onDue()
      })
  }

  /** The last checkpoint of a closing store, with a snapshot. Rejects if it cannot be written. */
  async finish(mark: ViewMark): Promise<void> {
    await this.idle()
    await this.#write(this.#capture(mark, true))
  }

  /** Waits for a checkpoint under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  #capture(mark: ViewMark, withSnapshot: boolean): Capture {
    const { catalog, keys, usage, clock, settings } = this.#parts
    const rows: RowWrite[] = []
    for (const key of catalog.droppedKeys()) rows.push({ delete: key })
    for (const { key, entry } of catalog.state.takeDirty())
      rows.push(entry === undefined ? { delete: key } : { put: entry, key })
    for (const id of catalog.dirtyTopics) {
      const topic = catalog.topics.find({ id })
      const key = engineKeys.topic(id)
      rows.push(topic === undefined ? { delete: key } : { put: { family: 'topic', row: topic } })
    }
    for (const id of catalog.dirtySegments) {
      const row = catalog.segments.get(id)
      const key = engineKeys.segment(id)
      rows.push(row === undefined ? { delete: key } : { put: { family: 'segment', row } })
    }
    rows.push({ put: { family: 'counters', row: catalog.counters } })
    const runs: QueueRuns[] = []
    const expireBefore = clock.now() - settings.producerExpiryMs
    for (const queue of catalog.dirtyQueues) {
      const { runs: held, sealedEnd: end } = queue
      if (end > queue.indexedEnd) runs.push({ queue, count: held.length, end })
      for (const id of queue.producers.expire(expireBefore, settings.producersPerQueueMax))
        rows.push({ delete: engineKeys.producer(queue.uid, id) })
      for (const producer of queue.producers.all()) {
        if (!producer.dirty) continue
        producer.dirty = false
        const { producerId, epoch } = producer
        const batches = [...producer.batches]
        const row = { queue: queue.uid, producerId, epoch, batches }
        rows.push({ put: { family: 'producer', row } })
      }
    }
    const capture: Capture = {
      mark,
      rows,
      queues: new QueueStates(catalog.dirtyQueues),
      runs,
      runsHeld: this.#runsHeld,
      keys: keys.take(),
      usage: usage.take(),
      dropped: [...catalog.droppedQueues.keys()],
      droppedTopics: [...catalog.dirtyTopics].filter(
        (id) => catalog.topics.find({ id }) === undefined
      ),
      snapshot: withSnapshot ? captureAll(catalog) : undefined
    }
    catalog.dirtyTopics.clear()
    catalog.dirtySegments.clear()
    catalog.dirtyQueues.clear()
    catalog.droppedQueues.clear()
    this.#bytesSince = 0
    if (withSnapshot) this.#snapshotDue = false
    return capture
  }

  async #write(capture: Capture): Promise<void> {
    const { catalog, db, index, keys, usage } = this.#parts
    // Entries up to the captured counts do not change meanwhile: only what follows here drops them.
    const blocks = indexBlocksOf(capture.runs)
    const writes = { blocks, keys: capture.keys, usage: capture.usage }
    await db.checkpoint(capture.mark, viewRows(capture), writes)
    keys.written()
    catalog.state.timers.written()
    usage.written(capture.usage, capture.mark.applied.segment)
    for (const { queue, count, end } of capture.runs) if (!queue.gone) queue.noteIndexed(count, end)
    this.#runsHeld -= capture.runsHeld
    for (const uid of capture.dropped) {
      index.forget(uid)
      await db.dropQueue(uid)
    }
    for (const id of capture.droppedTopics) await db.dropKeys(id)
    if (capture.snapshot === undefined) return
    const { mark, snapshot } = capture
    await this.#writeSnapshot(mark, snapshotRows(snapshot, db), segmentsIn(snapshot.rows))
  }

  /** One for which there was no room is written with the next checkpoint. */
  async #writeSnapshot(
    mark: ViewMark,
    rows: AsyncIterable<StoredRow | EncodedRow>,
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

/**
 * What rows of queues say, as of one moment. There may be very many queues: what cannot change is looked up in them
 * later, and rows are made one by one when they are written.
 */
class QueueStates {
  readonly #queues: readonly Queue[]
  /** Next offset and greatest timestamp of each. */
  readonly #numbers: Float64Array

  constructor(queues: Iterable<Queue>) {
    this.#queues = [...queues]
    this.#numbers = new Float64Array(this.#queues.length * 2)
    let at = 0
    for (const { sealedEnd, maxTimestamp } of this.#queues) {
      this.#numbers[at++] = sealedEnd
      this.#numbers[at++] = maxTimestamp
    }
  }

  *rows(): Iterable<StoredRow> {
    for (const [i, { uid, topicId, index }] of this.#queues.entries()) {
      const nextOffset = this.#numbers[i * 2] as number
      const maxTimestamp = this.#numbers[i * 2 + 1] as number
      yield { family: 'queue', row: { queue: uid, topicId, index, nextOffset, maxTimestamp } }
    }
  }
}

function* viewRows({ rows, queues }: Capture): Iterable<RowWrite> {
  yield* rows
  for (const row of queues.rows()) yield { put: row }
}

/**
 * With the timers as LevelDB has them: only checkpoints write them, so they are as captured. Where some are missing
 * there must be no snapshot, or they would be lost for good.
 */
async function* snapshotRows(
  { rows, queues, timerCount }: SnapshotCapture,
  db: IndexDb
): AsyncIterable<StoredRow | EncodedRow> {
  yield* rows
  yield* queues.rows()
  let count = 0
  for await (const some of db.timers()) {
    count += some.length
    for (const encoded of some) yield { family: 'timer', encoded }
  }
  if (count === timerCount) return
  await db.forgetMark()
  throw new Error(`the index has ${count} timers of ${timerCount}`)
}

function captureAll(catalog: Catalog): SnapshotCapture {
  const rows: StoredRow[] = [{ family: 'counters', row: catalog.counters }]
  for (const row of catalog.segments.values()) rows.push({ family: 'segment', row })
  for (const row of catalog.topics.all()) rows.push({ family: 'topic', row })
  for (const queue of catalog.queues.values())
    for (const { producerId, epoch, batches } of queue.producers.all())
      rows.push({
        family: 'producer',
        row: { queue: queue.uid, producerId, epoch, batches: [...batches] }
      })
  for (const entry of catalog.state.all()) rows.push(entry)
  const queues = new QueueStates(catalog.queues.values())
  return { rows, queues, timerCount: catalog.state.timers.count }
}
