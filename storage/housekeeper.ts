/** What a store does by itself while it is open: retention, and deleting segments. */
import { Cleaner } from './cleaner.ts'
import type { Committer } from './committer.ts'
import type { Commit } from './contract.ts'
import { Retention } from './retention.ts'
import type { SealedGroup, Upkeep } from './sealed-group.ts'
import { SegmentDeletion } from './segment-deletion.ts'
import type { StoreParts } from './store-parts.ts'

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
  #isStopped = false

  constructor(parts: StoreParts, household: Household) {
    this.#parts = parts
    this.#household = household
    this.#deletion = new SegmentDeletion({
      ...parts,
      folder: parts.logFolder,
      sequence: () => household.committer().sequence,
      upkeep: (upkeep) => this.#upkeep(upkeep),
      onFreed: () => parts.space.ask()
    })
    this.#cleaner = new Cleaner({
      ...parts,
      folder: parts.logFolder,
      storeId: Buffer.from(parts.info.storeId, 'hex'),
      upkeep: (upkeep) => this.#upkeep(upkeep),
      onFreed: () => parts.space.ask(),
      onFailed: household.onFailed,
      isStopped: () => this.#isStopped
    })
    this.#retention = new Retention({
      ...parts,
      ...household,
      cleaner: this.#cleaner,
      deletion: this.#deletion
    })
  }

  /** The store is open: what expired meanwhile goes at the first check. */
  start(): void {
    this.#retention.start()
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
  }

  /** Does what the next check would do. Rejects with StoreError. */
  run(): Promise<void> {
    return this.#retention.run()
  }

  /** Resolves when nothing of it is under way, and nothing will be. */
  stop(): Promise<void> {
    this.#isStopped = true
    this.#cleaner.wake()
    return this.#retention.stop()
  }

  get figures() {
    const { segments, bytes } = this.#deletion.counts
    return {
      logStartMoves: this.#retention.moves,
      segmentsDeleted: segments,
      deletedBytes: bytes,
      segmentsCleaned: this.#cleaner.counts.segments,
      cleanedBytes: this.#cleaner.counts.bytes
    }
  }

  /** A group of the store's own; resolves once it is durable. */
  async #upkeep(upkeep: Upkeep): Promise<void> {
    const weight = upkeepBytesMax + upkeep.dropSegments.length * upkeepBytesPerSegment
    await new Promise((resolve, reject) => {
      const pending = { commit: {}, appendBytes: 0, weight, upkeep, resolve, reject }
      this.#household.committer().submit(pending)
    })
    await this.#household.settle()
  }
}
