/** What a flush group is between its sealing and its durability. */
import type { Commit, CommitResult, QueueUid, Topic, TopicId } from './contract.ts'
import type { StoreError } from './errors.ts'
import type { HashedKey } from './key-hash.ts'
import type { LoggedChange, Resolved } from './layout/types.ts'
import type { Producer } from './producers.ts'
import type { Queue } from './queue.ts'
import type { SealedChange } from './state/state-table.ts'
import type { SegmentRow } from './state/stored-rows.ts'

/** A commit that waits for its flush. */
export interface Pending {
  readonly commit: Commit
  /** Of its appends' batches. */
  readonly appendBytes: number
  /** What it takes of a group, at most. */
  readonly weight: number
  /** What it gives a replay to do, at most. */
  readonly entries: number
  /** What the store itself wants of the group besides. */
  readonly upkeep?: Upkeep
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: StoreError) => void
}

/** A commit of the store's own. */
export interface Upkeep {
  /** These leave the live set. */
  readonly dropSegments: readonly number[]
  /** This one joins it. */
  readonly addSegment?: SegmentRow
  /** The group begins a new segment, unless the open one is empty. */
  readonly roll: boolean
}

/** Consecutive batches of one queue in the group. */
export interface SealedRun {
  readonly queue: Queue
  readonly topicId: TopicId
  readonly flags: number
  readonly baseOffset: number
  nextOffset: number
  recordCount: number
  /** Slices of what the client sent, or of the group's own buffer once it is encoded. */
  readonly batches: Buffer[]
  bytes: number
  maxTimestamp: number
  /** The queue's greatest record timestamp up to here. */
  runningMax: number
  /** Hashes of its records' keys, by offset. */
  readonly keys: HashedKey[]
  readonly resolves: Resolved[]
  /** Where its batches begin in the segment's file; known once encoded. */
  position: number
}

export type TopicChange =
  | { readonly op: 'put'; readonly topic: Topic; readonly created: readonly Queue[] }
  | { readonly op: 'drop'; readonly topic: Topic; readonly queues: readonly QueueUid[] }

export type Outcome =
  | { readonly pending: Pending; readonly result: CommitResult }
  | { readonly pending: Pending; readonly error: StoreError }

/** What a queue knew of a producer before the group had a batch of it. */
export interface ProducerBefore {
  readonly queue: Queue
  readonly producerId: number
  /** Undefined: nothing. */
  readonly producer: Producer | undefined
}

export interface SealedGroup {
  readonly sequence: number
  readonly appendTimeMs: number
  readonly runs: SealedRun[]
  readonly logged: LoggedChange[]
  readonly stateChanges: SealedChange[]
  readonly topicChanges: TopicChange[]
  readonly droppedSegments: number[]
  readonly addedSegments: SegmentRow[]
  /** In the order of the batches: should the group be taken back. */
  readonly producersBefore: ProducerBefore[]
  readonly outcomes: Outcome[]
  /** Sum of the commits' weights, to be taken off what is pending. */
  weight: number
  /** Known once encoded. */
  segment: number
  position: number
  bytes: number
}

/** Whether the group has anything to write; duplicates and refusals alone have not. */
export function isEmpty(group: SealedGroup): boolean {
  return group.runs.length === 0 && group.logged.length === 0
}

export function settleOutcomes(outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes)
    if ('result' in outcome) outcome.pending.resolve(outcome.result)
    else outcome.pending.reject(outcome.error)
}

export function rejectOutcomes(outcomes: readonly Outcome[], error: StoreError): void {
  for (const { pending } of outcomes) pending.reject(error)
}
