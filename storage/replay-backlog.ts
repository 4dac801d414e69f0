/**
 * What the log holds behind LevelDB's view: a restart after a kill has to replay it. There is a most of it, in entries
 * (they cost time each) and in bytes (they have to be read): commits that would go beyond wait for a checkpoint.
 */
import type { Pending, SealedGroup } from './sealed-group.ts'
import type { StoreSettings } from './settings.ts'

/** Rows of the store's own that a group may carry besides its commits': of a roll, of what upkeep drops. */
const ownEntriesMax = 64

/** Entries: batches of records, keys of records, changes of state. */
export interface ReplayAmount {
  readonly entries: number
  readonly bytes: number
}

const none: ReplayAmount = { entries: 0, bytes: 0 }
export const unlimited: ReplayAmount = {
  entries: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY
}

export class ReplayBacklog {
  readonly #max: ReplayAmount
  /** Since the last checkpoint was captured. */
  #added = none
  /** What the checkpoint under way writes. */
  #leaving = none
  #isWanted = false

  /** `replayed`: what the open found behind the view. */
  constructor({ replayEntriesMax, replayBytesMax }: StoreSettings, replayed: ReplayAmount = none) {
    this.#max = { entries: replayEntriesMax, bytes: replayBytesMax }
    this.#added = replayed
  }

  /** All that a restart would replay now. */
  get held(): ReplayAmount {
    return plus(this.#added, this.#leaving)
  }

  /** What came since the last checkpoint was captured. */
  get added(): ReplayAmount {
    return this.#added
  }

  /** There is so much that commits wait, or soon would. */
  get isDue(): boolean {
    const { entries, bytes } = this.#added
    return this.#isWanted || entries * 2 >= this.#max.entries || bytes * 2 >= this.#max.bytes
  }

  /** A group was written: its entries are in the log from then on, durable or not. */
  add(group: SealedGroup): void {
    this.#added = plus(this.#added, { entries: entriesIn(group), bytes: group.bytes })
  }

  /** How much a group may have that begins with this commit; undefined where that has to wait for a checkpoint. */
  roomFor(first: Pending): ReplayAmount | undefined {
    const { entries, bytes } = this.held
    const room = {
      entries: this.#max.entries - ownEntriesMax - entries,
      bytes: this.#max.bytes - bytes
    }
    // One larger than all that there may be has to be taken some time; checkpoints wait for the store's own.
    if (entries === 0 || first.upkeep !== undefined) return room
    if (first.entries <= room.entries && first.weight <= room.bytes) return room
    this.#isWanted = true
    return undefined
  }

  /** A checkpoint is about what was added up to now. */
  take(): void {
    this.#leaving = plus(this.#leaving, this.#added)
    this.#added = none
    this.#isWanted = false
  }

  /** The view has, durably, what the last checkpoint took. */
  written(): void {
    this.#leaving = none
  }
}

function plus(a: ReplayAmount, b: ReplayAmount): ReplayAmount {
  return { entries: a.entries + b.entries, bytes: a.bytes + b.bytes }
}

function entriesIn({ runs, logged, topicChanges }: SealedGroup): number {
  let entries = logged.length
  for (const { batches, keys } of runs) entries += batches.length + keys.length
  for (const change of topicChanges) if (change.op === 'put') entries += change.created.length
  return entries
}
