/**
 * What a checkpoint writes, as of one moment between two groups. Rows that there may be very many of are made when they
 * are written.
 */
import type { Catalog } from './catalog.ts'
import type { IndexDb, RowWrite, ViewMark, ViewSnapshot } from './index-db.ts'
import type { KeyBlock, KeyTable } from './key-table.ts'
import type { EncodedRow } from './layout/snapshot-write.ts'
import type { Clock } from './ports.ts'
import type { Queue } from './queue.ts'
import type { SegmentUsage, UsageBlock } from './segment-usage.ts'
import type { StoreSettings } from './settings.ts'
import { engineKeys, type StoredRow } from './state/stored-rows.ts'

/** So many runs of a queue are new, and reach up to an offset. */
interface QueueRuns {
  readonly queue: Queue
  readonly count: number
  readonly end: number
}

/** What changes are taken from. */
export interface CaptureParts {
  readonly catalog: Catalog
  readonly keys: KeyTable
  readonly usage: SegmentUsage
  readonly clock: Clock
  readonly settings: StoreSettings
}

/** The catalog's changes since the last checkpoint, as of one address. */
export interface Capture {
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
export interface SnapshotCapture {
  readonly rows: readonly StoredRow[]
  readonly queues: QueueStates
  readonly timerCount: number
}

/** Takes all that changed since the last capture; with all rows there are, for a snapshot, where one is wanted. */
export function captureChanges(
  { catalog, keys, usage, clock, settings }: CaptureParts,
  mark: ViewMark,
  runsHeld: number,
  withSnapshot: boolean
): Capture {
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
    runsHeld,
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
  return capture
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

export function* viewRows({ rows, queues }: Capture): Iterable<RowWrite> {
  yield* rows
  for (const row of queues.rows()) yield { put: row }
}

/**
 * With the timers as LevelDB had them when the view was written: only checkpoints write them. Where some are missing
 * there must be no snapshot, or they would be lost for good.
 */
export async function* snapshotRows(
  { rows, queues, timerCount }: SnapshotCapture,
  db: IndexDb,
  asCaptured: ViewSnapshot
): AsyncIterable<StoredRow | EncodedRow> {
  yield* rows
  yield* queues.rows()
  let count = 0
  for await (const some of db.timers(asCaptured)) {
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
