/** Applies what a scan of the log gives to a catalog: state and index as they were when the log ended. */
import type { Catalog } from './catalog.ts'
import { indexBlocksOf } from './index-block.ts'
import type { IndexDb } from './index-db.ts'
import { keysOfRun } from './key-hash.ts'
import type { KeyTable } from './key-table.ts'
import type { ScannedRun } from './layout/group-entries.ts'
import type { ScannedGroup, ScanSink } from './layout/scan.ts'
import type { Stretch } from './layout/stretches.ts'
import type { Description, GroupHeader, LoggedChange } from './layout/types.ts'
import type { Queue } from './queue.ts'
import type { LostState } from './repair/lost-state.ts'
import type { SegmentUsage } from './segment-usage.ts'
import type { StateKey } from './state/rows.ts'
import type { StoredRow } from './state/stored-rows.ts'

export interface ReplayOptions {
  /** State up to this sequence is in the catalog already; older groups only give index entries. */
  readonly stateThrough: number
  /** Index entries held before they are moved to LevelDB. */
  readonly runsMax: number
  /** Timers likewise. */
  readonly timersMax: number
  readonly usage: SegmentUsage
  /** Makes up for state that is lost; then the live set is known, whatever the log says of it. */
  readonly lost?: LostState
}

export class Replay implements ScanSink {
  readonly #catalog: Catalog
  readonly #db: IndexDb
  readonly #keys: KeyTable
  readonly #options: ReplayOptions
  /** Greatest record timestamp up to the group being read, where the queue's own is of a later time. */
  readonly #runningMax = new Map<Queue, number>()
  #runsHeld = 0
  /** Batches, keys and changes of state that were applied. */
  entries = 0
  #spilledAt = -1
  lastAppendMs = 0
  groups = 0
  /** Topics described in the segment being read, with the number of queues named. */
  described = new Map<string, number>()
  /** Groups that nothing so far has proven to be fsynced, oldest first. */
  #unproven: { readonly sequence: number; readonly segment: number; readonly position: number }[] =
    []
  /** Where the last group given stands. */
  lastGroupPosition = -1
  /** Segments that joined the live set in what was read. */
  readonly segmentsPut: number[] = []

  constructor(catalog: Catalog, db: IndexDb, keys: KeyTable, options: ReplayOptions) {
    this.#catalog = catalog
    this.#db = db
    this.#keys = keys
    this.#options = options
  }

  async group({ header, entries }: ScannedGroup): Promise<void> {
    this.groups++
    this.lastGroupPosition = header.position
    const { sequence, segmentId: segment, position } = header
    if ((this.#unproven[0]?.sequence ?? sequence) <= header.durableThrough)
      this.#unproven = this.#unproven.filter((one) => one.sequence > header.durableThrough)
    this.#unproven.push({ sequence, segment, position })
    this.lastAppendMs = Math.max(this.lastAppendMs, header.appendTimeMs)
    const isNew = header.sequence > this.#options.stateThrough
    for (const entry of entries) {
      if (entry.kind === 'run') this.#run(entry, isNew)
      else if (entry.kind === 'state' && isNew)
        for (const change of entry.changes) this.#change(change)
      else if (entry.kind === 'description') this.#describe(entry.description, header, isNew)
    }
    if (this.#runsHeld >= this.#options.runsMax) await this.#spill(header)
    await spillTimers(this.#catalog, this.#db, this.#options.timersMax)
  }

  /**
   * A group of a cleaner's copy, which stands where the log had `sequence`: it gives index entries only, or where all
   * state is lost what a queue's records tell of it, too.
   */
  async copiedGroup({ header, entries }: ScannedGroup, sequence: number): Promise<void> {
    const isNew = this.#options.lost?.isAll === true
    for (const entry of entries) {
      if (entry.kind === 'run') this.#run(entry, isNew)
      else if (entry.kind === 'stretches')
        for (const stretch of entry.stretches) this.#stretch(header.segmentId, stretch, isNew)
    }
    if (this.#runsHeld >= this.#options.runsMax) await this.#spill({ ...header, sequence })
  }

  /** Where the first group of the segment begins that nothing proves to be fsynced; undefined for none. */
  firstUnproven(segment: number, durableThrough: number): number | undefined {
    return this.#unproven.find((one) => one.segment === segment && one.sequence > durableThrough)
      ?.position
  }

  #stretch(segment: number, stretch: Stretch, isNew: boolean): void {
    const queue = this.#catalog.queues.get(stretch.queue)
    if (queue === undefined) return
    this.#options.usage.cover(segment, stretch)
    if (!isNew) return
    queue.sealedEnd = Math.max(queue.sealedEnd, stretch.nextOffset)
    this.#catalog.dirtyQueues.add(queue)
  }

  #run({ run, dataPosition, address, batches }: ScannedRun, isNew: boolean): void {
    const queue = this.#catalog.queues.get(run.queue)
    // Its topic was deleted.
    if (queue === undefined) return
    const last = batches.at(-1)
    if (last === undefined) return
    const nextOffset = last.baseOffset + last.lastOffsetDelta + 1
    const before = isNew ? queue.maxTimestamp : (this.#runningMax.get(queue) ?? -1)
    const runningMax = Math.max(before, run.maxTimestamp)
    if (isNew) queue.maxTimestamp = runningMax
    else this.#runningMax.set(queue, runningMax)
    queue.runs.push({
      baseOffset: run.baseOffset,
      nextOffset,
      segment: address.segment,
      position: dataPosition,
      bytes: run.batchBytes,
      appendTimeMs: run.appendTimeMs,
      maxTimestamp: run.maxTimestamp,
      runningMax,
      flags: run.flags
    })
    this.#options.usage.add(address.segment, queue.uid, {
      baseOffset: run.baseOffset,
      nextOffset,
      bytes: run.batchBytes
    })
    const keys = keysOfRun(run.baseOffset, run.extensions)
    this.#keys.add(queue.topicId, queue.uid, keys, run.appendTimeMs)
    this.#runsHeld += 1 + keys.length
    this.entries += batches.length + keys.length
    this.#catalog.dirtyQueues.add(queue)
    if (!isNew) return
    queue.sealedEnd = Math.max(queue.sealedEnd, nextOffset)
    this.#options.lost?.noteRun(run)
    for (const batch of batches)
      if (batch.producerId >= 0) queue.producers.remember(batch, batch.baseOffset, run.appendTimeMs)
  }

  #describe(description: Description, { appendTimeMs }: GroupHeader, isNew: boolean): void {
    const { topicId, queues } = description
    this.described.set(topicId, queues.length)
    // The group that gave out their uids may be damaged; given again, they would have these runs.
    const next = Math.max(...queues) + 1
    const { counters } = this.#catalog
    if (next > counters.nextQueueUid) this.#catalog.counters = { ...counters, nextQueueUid: next }
    if (isNew) this.#options.lost?.describe(description, appendTimeMs)
  }

  #change(change: LoggedChange): void {
    this.entries++
    const { lost } = this.#options
    if (lost?.takes(change) === true) return
    if (change.op === 'drop-topic') this.#catalog.dropTopic(change.topicId)
    else if (change.op === 'delete' && change.key.family === 'segment')
      this.#catalog.dropSegment(Number(change.key.item))
    else if (change.op === 'delete') this.#catalog.state.unload(change.key as StateKey)
    else {
      if (change.entry.family === 'segment') this.segmentsPut.push(change.entry.row.id)
      loadRow(this.#catalog, change.entry, true)
    }
  }

  /** Moves the index entries held so far to LevelDB. */
  async #spill({ sequence, segmentId: segment }: GroupHeader): Promise<void> {
    // Keys are told apart by it; of copies several groups may stand at one.
    if (sequence <= this.#spilledAt) return
    this.#spilledAt = sequence
    await this.#db.putKeys(sequence, this.#keys.take())
    this.#keys.written()
    const { usage } = this.#options
    const blocks = usage.take()
    await this.#db.putUsage(blocks)
    usage.written(blocks, segment)
    const queues = [...this.#catalog.queues.values()].filter(({ runs }) => runs.length > 0)
    const all = queues.map((queue) => ({
      queue,
      count: queue.runs.length,
      end: queue.runs.nextOffset()
    }))
    await this.#db.putBlocks(indexBlocksOf(all))
    for (const { queue, count, end } of all) queue.noteIndexed(count, end)
    this.#runsHeld = 0
  }
}

/** Moves timers to LevelDB once there are `max` of them that it does not have: rows are absolute, see IndexDb.putRows. */
export async function spillTimers(catalog: Catalog, db: IndexDb, max: number): Promise<void> {
  const { timers } = catalog.state
  if (timers.dirtyCount < max) return
  const rows = timers.takeDirty()
  await db.putRows(
    rows.map(({ key, entry }) => (entry === undefined ? { delete: key } : { put: entry, key }))
  )
  timers.written()
}

/** Puts a row into the catalog, in both views. `isNew`: LevelDB does not have it yet. */
export function loadRow(catalog: Catalog, entry: StoredRow, isNew: boolean): void {
  switch (entry.family) {
    case 'topic': {
      const topic = Object.freeze(entry.row)
      catalog.topics.put(topic)
      catalog.sealedTopics.put(topic)
      for (const queue of catalog.makeQueues(topic)) catalog.queues.set(queue.uid, queue)
      if (isNew) catalog.dirtyTopics.add(topic.id)
      return
    }
    case 'queue': {
      const queue = catalog.queues.get(entry.row.queue)
      if (queue === undefined) return
      queue.sealedEnd = entry.row.nextOffset
      if (!isNew) queue.indexedEnd = entry.row.nextOffset
      queue.maxTimestamp = entry.row.maxTimestamp
      return
    }
    case 'producer':
      catalog.queues.get(entry.row.queue)?.producers.load(entry.row, isNew)
      return
    case 'segment':
      catalog.segments.set(entry.row.id, entry.row)
      if (isNew) catalog.dirtySegments.add(entry.row.id)
      return
    case 'counters':
      catalog.counters = entry.row
      return
    default:
      catalog.state.load(entry, isNew)
      catalog.noteRow(entry)
  }
}
