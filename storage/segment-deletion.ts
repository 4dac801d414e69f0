/**
 * Deletes sealed segments that hold nothing any more: every run in them is below its queue's log start, or its topic is
 * gone. First the live set loses them, durably, in the log; only then do index and file go, so that whatever is cut off
 * leaves at most a file outside the live set, which the next open removes. A segment stays while a kept snapshot needs
 * its state entries.
 */
import type { Catalog } from './catalog.ts'
import type { Checkpointer } from './checkpoint.ts'
import type { QueueUid, TopicId } from './contract.ts'
import type { IndexDb } from './index-db.ts'
import { isKeyBlockDead } from './key-table.ts'
import type { Log } from './log.ts'
import type { FileSystem, LogSink } from './ports.ts'
import type { QueueSizes } from './queue-sizes.ts'
import type { Upkeep } from './sealed-group.ts'
import type { SegmentFiles } from './segment-files.ts'
import { type QueueUsage, type SegmentUsage, usageOf } from './segment-usage.ts'
import type { StoreSettings } from './settings.ts'
import { raiseFloor } from './snapshot-floor.ts'
import type { SegmentRow } from './state/stored-rows.ts'

/** The open segment is sealed for being dead only if there is this much to gain, bytes, or this share of a segment. */
const deadBytesToRoll = 1024 * 1024
const deadShareToRoll = 1 / 4

export interface SegmentDeletionParts {
  readonly catalog: Catalog
  readonly db: IndexDb
  readonly usage: SegmentUsage
  readonly sizes: QueueSizes
  readonly files: SegmentFiles
  readonly log: Log
  readonly checkpointer: Checkpointer
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly settings: StoreSettings
  readonly logSink: LogSink
  /** Sequence of the newest sealed group. */
  readonly sequence: () => number
  /** A group of the store's own; resolves once it is durable. Rejects with StoreError. */
  readonly upkeep: (upkeep: Upkeep) => Promise<void>
  /** Files are gone: there is more space. */
  readonly onFreed: () => Promise<void>
}

export class SegmentDeletion {
  readonly #parts: SegmentDeletionParts
  /** Of each sealed segment one queue's part that keeps it: nothing else is looked at while that holds. */
  readonly #keptBy = new Map<number, QueueUsage>()
  readonly counts = { segments: 0, bytes: 0 }

  constructor(parts: SegmentDeletionParts) {
    this.#parts = parts
  }

  /** Deletes what can go now. Rejects with StoreError where the store cannot commit. */
  async run(): Promise<void> {
    const { checkpointer, upkeep } = this.#parts
    if (this.#isOpenDead()) await upkeep({ dropSegments: [], roll: true })
    const dead = await this.#findDead()
    if (dead.length === 0) return
    await raiseFloor(this.#parts, Math.max(...dead.map((row) => row.lastSequence)))
    const ready = dead.filter((row) => row.lastSequence <= checkpointer.snapshotFloor)
    if (ready.length === 0) return
    await upkeep({ dropSegments: ready.map(({ id }) => id), roll: false })
    for (const row of ready) await this.#remove(row)
    const { fileSystem, folder, logSink, onFreed } = this.#parts
    await fileSystem.syncFolder(folder).catch((error: Error) => {
      // Files that a power cut brings back are outside the live set.
      logSink('warn', 'folder-not-synced', { folder, reason: error.message })
    })
    await onFreed()
  }

  /** All that the open segment has is dead, and it is worth a segment of its own. */
  #isOpenDead(): boolean {
    const { log, usage, settings } = this.#parts
    let deadBytes = 0
    for (const entry of usage.get(log.segment.id) ?? []) {
      if (this.#isLive(entry)) return false
      deadBytes += entry.bytes
    }
    return deadBytes >= Math.min(deadBytesToRoll, settings.segmentBytes * deadShareToRoll)
  }

  async #findDead(): Promise<SegmentRow[]> {
    const { catalog } = this.#parts
    const dead: SegmentRow[] = []
    for (const row of [...catalog.segments.values()]) {
      if (row.lastSequence < 0) continue
      const keeper = this.#keptBy.get(row.id)
      if (keeper !== undefined && this.#isLive(keeper)) continue
      this.#keptBy.delete(row.id)
      const entries = await usageOf(row.id, this.#parts)
      // Of a segment that nothing is known of nothing is deleted.
      if (entries === undefined) continue
      let found: QueueUsage | undefined
      for (const entry of entries) {
        if (!this.#isLive(entry)) continue
        found = entry
        break
      }
      if (found === undefined) dead.push(row)
      else this.#keptBy.set(row.id, found)
    }
    return dead
  }

  #isLive({ queue, firstOffset, nextOffset }: QueueUsage): boolean {
    return this.#parts.catalog.isNeeded(queue, firstOffset, nextOffset)
  }

  /** The segment is out of the live set: what is left of it goes. */
  async #remove({ id, firstSequence, lastSequence, dataBytes }: SegmentRow): Promise<void> {
    const { db, usage, files, logSink } = this.#parts
    this.#keptBy.delete(id)
    await this.#forget((await usageOf(id, this.#parts)) ?? [], firstSequence, lastSequence)
    usage.forget(id)
    await db.dropUsage(id)
    try {
      await files.remove(id)
    } catch (error) {
      // It is no part of the log any more: the next open tries again.
      logSink('warn', 'segment-not-removed', { segment: id, reason: (error as Error).message })
      return
    }
    this.counts.segments++
    this.counts.bytes += dataBytes
    logSink('info', 'segment-deleted', { segment: id, bytes: dataBytes })
  }

  /** Index entries and keys of records that are no more. */
  async #forget(entries: Iterable<QueueUsage>, first: number, last: number): Promise<void> {
    const { catalog, db, sizes } = this.#parts
    const topics = new Set<TopicId>()
    for (const { queue: uid } of entries) {
      const queue = catalog.queues.get(uid)
      if (queue === undefined) continue
      topics.add(queue.topicId)
      await sizes.follow(queue)
      await db.trimQueue(uid, Math.min(queue.logStart, catalog.state.timers.firstNeeded(uid)))
    }
    const isThere = (uid: QueueUid, offset: number) => catalog.isThere(uid, offset)
    for (const topic of topics)
      await db.dropDeadKeys(topic, first, last, (block) => isKeyBlockDead(block, isThere))
  }
}
