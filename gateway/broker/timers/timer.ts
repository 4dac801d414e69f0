/** What a timer is, to those who make one and to those who decide what becomes of it; docs/timers.md. */
import type {
  Append,
  Change,
  Condition,
  PackedRecord,
  QueueUid,
  TimerRow,
  Topic,
  TopicId
} from '../../../storage/index.ts'
import type { RecordMessage } from '../translate/index.ts'

/**
 * Where records wait, each kind in a hidden topic of one queue, which no client of either protocol sees. `delayed`: for
 * their time, then they are copied to their target. `half`: for the word of their sender, who is asked when due.
 */
export const timerKinds = ['delayed', 'half'] as const
export type TimerKind = (typeof timerKinds)[number]

export function timerTopicName(kind: TimerKind): string {
  return `rmq.sys.${kind}`
}

/** Whether a topic of that name is one where records wait; no client can make another of it. */
export function isTimerTopicName(kafkaName: string): boolean {
  return timerKinds.some((kind) => timerTopicName(kind) === kafkaName)
}

/** Whether the topic's records wait for their timers, and are of no use once these are settled. */
export function isTimerTopic({ system, names }: Pick<Topic, 'system' | 'names'>): boolean {
  return system && isTimerTopicName(names.kafka)
}

/** Where a record waits: what a timer is called. Never used twice. */
export interface TimerPlace {
  readonly queue: QueueUid
  readonly offset: number
}

/** When a timer is due: at a wall-clock time, or so long after the record's append. ms. */
export type Due = { readonly atMs: number } | { readonly afterMs: number }

/** Where the record is copied to. A queue number beyond the write queues there are then is taken modulo them. */
export interface TimerTarget {
  readonly topicId: TopicId
  readonly queue: number
}

/** A target's queue: where the topic has fewer write queues by now, the one that the number is modulo. */
export function targetQueueOf(
  { queues, writeQueues }: Pick<Topic, 'queues' | 'writeQueues'>,
  number: number
): QueueUid | undefined {
  const count = writeQueues > 0 ? writeQueues : queues.length
  return queues[number < count ? number : number % count]
}

export interface NewTimer {
  readonly kind: TimerKind
  /** As it shall be delivered: a copy has the same key, value and headers. */
  readonly record: PackedRecord
  readonly due: Due
  readonly target: TimerTarget
  /** What the owner needs to know when it is due (a producer group, what it is part of), by name; `detailBytesMax`. */
  readonly detail?: Readonly<Record<string, string>>
}

/** UTF-8 bytes of a timer's detail, names and values together. */
export const detailBytesMax = 4096

/** What else happens in the commit that makes or settles a timer: all of it or nothing. */
export interface Also {
  readonly appends?: readonly Append[]
  readonly changes?: readonly Change[]
  readonly conditions?: readonly Condition[]
}

export interface AddedTimer {
  /** The record's place: acknowledgements and message ids are made from it. */
  readonly place: TimerPlace
  readonly appendTimeMs: number
  readonly dueMs: number
}

/** A timer that is pending, with the record that waits. */
export interface PendingTimer {
  readonly place: TimerPlace
  readonly row: TimerRow
  /** As the system queue holds it; `storeTimestampMs` is when it was appended there. */
  readonly message: RecordMessage
}

/**
 * What an action makes of a timer that is due. Whatever it is happens in one commit, on condition that the timer is
 * still pending: of firing, recall, commit and rollback exactly one wins.
 */
export type Verdict =
  /** It is settled: these appends (a copy, a copy elsewhere, none) and changes instead. */
  | { readonly settle: Also }
  /** It stays, due again then; its count goes up by one. `detail`: another one from now on. */
  | { readonly again: { readonly dueMs: number; readonly detail?: TimerRow['detail'] } }
  /** It can never be delivered: settled without a copy, counted, and logged with the reason. */
  | { readonly drop: string }

/**
 * Decides about a due timer. May be called more than once for one timer (a commit that was refused for space or load is
 * tried again later), so what it does besides its verdict must bear repeating. Where it rejects, the timer is put again
 * for some seconds later. One timer of a kind is decided about at a time: what takes long holds up the others.
 */
export type TimerAction = (due: PendingTimer) => Verdict | Promise<Verdict>
