import type { QueueEnds, QueueUid, TopicId } from './contract.ts'
import { Producers } from './producers.ts'
import { RunList } from './run-list.ts'
import { QueueTail } from './tail.ts'
import type { Waiter } from './waiters.ts'

/** Of every queue that knows of no other. */
const firstEpochs = Object.freeze([Object.freeze({ epoch: 0, startOffset: 0 })])

/** A queue in memory: its ends, its newest index entries, its part of the tail, who waits for it. */
export class Queue {
  readonly uid: QueueUid
  readonly topicId: TopicId
  /** Queue number within the topic. */
  readonly index: number
  /** The offset that the next sealed record gets. */
  sealedEnd = 0
  /** The fsynced end. */
  highWatermark = 0
  /** Where the last sealed group lets readable records begin. */
  sealedLogStart = 0
  /** The same as far as it is durable. */
  logStart = 0
  /** When retention has to look at it, ms since the epoch; Infinity: never; undefined: at its next check. */
  retentionDueMs: number | undefined
  /** It has a limit of bytes, or records that timers wait for: retention looks at it whenever something happened. */
  isWatched = false
  /** Greatest record timestamp sealed, -1 for none. */
  maxTimestamp = -1
  /** The same as far as it is durable. */
  durableMaxTimestamp = -1
  /** Ascending; the last is the current leader epoch. */
  epochs: readonly { readonly epoch: number; readonly startOffset: number }[] = firstEpochs
  readonly producers = new Producers()
  /** Runs since the last checkpoint; older ones are in LevelDB. */
  readonly runs = new RunList()
  /** LevelDB's index reaches up to here. */
  indexedEnd = 0
  /** Runs held in memory, ascending and without gaps up to the high watermark. */
  readonly tail = new QueueTail()
  readonly waiters = new Set<Waiter>()
  /** Its topic was deleted (durably). */
  gone = false

  constructor(uid: QueueUid, topicId: TopicId, index: number) {
    this.uid = uid
    this.topicId = topicId
    this.index = index
  }

  /** LevelDB has the first `count` runs, and its index reaches up to `end`. */
  noteIndexed(count: number, end: number): void {
    this.runs.dropFirst(count)
    this.indexedEnd = Math.max(this.indexedEnd, end)
  }

  get leaderEpoch(): number {
    return this.epochs.at(-1)?.epoch ?? 0
  }

  ends(): QueueEnds {
    return {
      logStartOffset: this.logStart,
      highWatermark: this.highWatermark,
      lastStableOffset: this.highWatermark,
      leaderEpoch: this.leaderEpoch
    }
  }
}
