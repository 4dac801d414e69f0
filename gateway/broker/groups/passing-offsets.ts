/**
 * Places that clients mention in passing, without asking for an answer about them: a RocketMQ pull says how far its
 * group is, many times a second. They are committed a little later, the last of each queue only; whoever asks where
 * the group is has them committed first, and whoever commits or deletes a place in so many words has the last word.
 */
import type { TopicId } from '../../../storage/contract.ts'
import type { Clock, LogSink, Timer } from '../../../storage/ports.ts'
import type { OffsetEntry, QueueKey } from './group-offsets.ts'

/** From the first mention until it is committed, ms. */
export const passingDelayMs = 100

interface Passing {
  readonly entries: Map<string, OffsetEntry>
  timer: Timer | undefined
  /** Commits under way. */
  commits: number
  underway: Promise<void>
}

export interface PassingOffsetsOptions {
  readonly clock: Clock
  readonly log: LogSink
  readonly commit: (group: string, entries: readonly OffsetEntry[]) => Promise<ReadonlySet<TopicId>>
}

export class PassingOffsets {
  readonly #options: PassingOffsetsOptions
  readonly #groups = new Map<string, Passing>()

  constructor(options: PassingOffsetsOptions) {
    this.#options = options
  }

  /** The group is there, as somebody mentioned. */
  note(group: string, entry: OffsetEntry): void {
    let passing = this.#groups.get(group)
    if (passing === undefined) {
      passing = { entries: new Map(), timer: undefined, commits: 0, underway: Promise.resolve() }
      this.#groups.set(group, passing)
    }
    passing.entries.set(keyOf(entry), entry)
    passing.timer ??= this.#options.clock.after(passingDelayMs, () => void this.flush(group))
  }

  /** Somebody says in so many words where the group is in these queues; without `queues`, that it is nowhere. */
  forget(group: string, queues?: readonly QueueKey[]): void {
    const passing = this.#groups.get(group)
    if (passing === undefined) return
    if (queues === undefined) passing.entries.clear()
    else for (const queue of queues) passing.entries.delete(keyOf(queue))
  }

  /** It turned out to be stored: then there is nothing to do, unless an older place is on its way. */
  unsay(group: string, entry: OffsetEntry): void {
    const passing = this.#groups.get(group)
    if (passing === undefined || passing.commits > 0) return
    if (passing.entries.get(keyOf(entry)) === entry) passing.entries.delete(keyOf(entry))
  }

  /** Resolves when all that was mentioned is committed, or was refused and logged. */
  flush(group: string): Promise<void> {
    const passing = this.#groups.get(group)
    if (passing === undefined) return Promise.resolve()
    passing.timer?.cancel()
    passing.timer = undefined
    const entries = [...passing.entries.values()]
    passing.entries.clear()
    if (entries.length > 0) {
      const before = passing.underway
      // Handed over now, so that it is in front of whatever is committed after this.
      passing.commits++
      const committed = this.#commit(group, entries).finally(() => passing.commits--)
      passing.underway = before.then(() => committed)
    }
    const { underway } = passing
    return underway.then(() => {
      if (passing.entries.size > 0 || passing.underway !== underway) return
      passing.timer?.cancel()
      this.#groups.delete(group)
    })
  }

  /** Commits what is left. */
  async close(): Promise<void> {
    await Promise.all([...this.#groups.keys()].map((group) => this.flush(group)))
  }

  async #commit(group: string, entries: readonly OffsetEntry[]): Promise<void> {
    try {
      await this.#options.commit(group, entries)
    } catch (error) {
      const reason = (error as Error).message
      this.#options.log('warn', 'places-not-committed', { group, queues: entries.length, reason })
    }
  }
}

function keyOf({ topicId, queue }: QueueKey): string {
  return `${topicId} ${queue}`
}
