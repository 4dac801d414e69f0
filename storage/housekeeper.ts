/** What a store does by itself while it is open: retention, compaction, and what becomes of segments. */
import { Cleaner } from './cleaner.ts'
import type { Committer } from './committer.ts'
import { Compaction } from './compaction/compaction.ts'
import type { Commit } from './contract.ts'
import { Retention } from './retention.ts'
import type { SealedGroup, Upkeep } from './sealed-group.ts'
import { SegmentDeletion } from './segment-deletion.ts'
import { SegmentRewriter } from './segment-rewrite.ts'
import type { StoreParts } from './store-parts.ts'
import { Turns } from './turns.ts'

/** What a group of the store's own takes at most: counters, and a key for each segment. */
const upkeepBytesMax = 512
const upkeepBytesPerSegment = 64

/** What the store does for its housekeeper. */
export interface Household {
  readonly committer: () => Committer
  readonly commit: (commit: Commit) => Promise<unknown>
  readonly settle: () => Promise<void>
  readonly onFailed: (error: Error) => void
}

export class Housekeeper {
  readonly #parts: StoreParts
  readonly #household: Household
  readonly #retention: Retention
  readonly #deletion: SegmentDeletion
  readonly #cleaner: Cleaner
  readonly #rewriter: SegmentRewriter
  readonly #compaction: Compaction
  #isStopped = false

  constructor(parts: StoreParts, household: Household) {
    this.#parts = parts
    this.#household = household
    const shared = {
      ...parts,
      ...household,
      folder: parts.logFolder,
      storeId: Buffer.from(parts.info.storeId, 'hex'),
      sequence: () => household.committer().sequence,
      upkeep: (upkeep: Upkeep) => this.upkeep(upkeep),
      onFreed: () => parts.space.ask(),
      isStopped: () => this.#isStopped,
      turns: new Turns()
    }
    this.#deletion = new SegmentDeletion(shared)
    this.#rewriter = new SegmentRewriter(shared)
    this.#cleaner = new Cleaner({ ...shared, rewriter: this.#rewriter })
    this.#compaction = new Compaction({ ...shared, rewriter: this.#rewriter })
    this.#retention = new Retention({
      ...shared,
      cleaner: this.#cleaner,
      deletion: this.#deletion
    })
  }

  /** The store is open: what expired meanwhile goes at the first check. */
  start(): void {
    this.#retention.start()
    this.#compaction.start()
  }

  /** A segment was sealed, and the log goes on in the next. */
  noteSealed(): void {
    this.#compaction.noteSealed()
  }

  /** A group became durable, and the catalog has it. */
  noteDurable(group: SealedGroup): void {
    const { usage, sizes } = this.#parts
    for (const run of group.runs) {
      if (run.queue.gone) continue
      usage.add(group.segment, run.queue.uid, run)
      sizes.add(run.queue.uid, run)
    }
    for (const { op, topic } of group.topicChanges)
      if (op === 'drop') for (const uid of topic.queues) sizes.forget(uid)
    this.#retention.noteDurable(group)
    this.#compaction.noteDurable(group)
  }

  /** Does what the next checks would do. Rejects with StoreError. */
  async run(): Promise<void> {
    await this.#retention.run()
    await this.#compaction.run()
  }

  /** Resolves when nothing of it is under way, and nothing will be. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const stopped = [this.#retention.stop(), this.#compaction.stop()]
    this.#rewriter.wake()
    await Promise.all(stopped)
  }

  get figures() {
    const { segments, bytes } = this.#deletion.counts
    return {
      logStartMoves: this.#retention.moves,
      segmentsDeleted: segments,
      deletedBytes: bytes,
      segmentsCleaned: this.#cleaner.counts.segments,
      cleanedBytes: this.#cleaner.counts.bytes,
      compactionPasses: this.#compaction.counts.passes,
      segmentsCompacted: this.#compaction.counts.segments,
      compactedBytes: this.#compaction.counts.bytes,
      compactedRecords: this.#compaction.counts.records,
      queuesUncompactable: this.#compaction.uncleanable
    }
  }

  /** A group of the store's own; resolves once it is durable. */
  async upkeep(upkeep: Upkeep): Promise<void> {
    const weight = upkeepBytesMax + upkeep.dropSegments.length * upkeepBytesPerSegment
    await new Promise((resolve, reject) => {
      const pending = {
        commit: {},
        appendBytes: 0,
        weight,
        entries: 1 + upkeep.dropSegments.length,
        upkeep,
        resolve,
        reject
      }
      this.#household.committer().submit(pending)
    })
    await this.#household.settle()
  }
}
