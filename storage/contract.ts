/**
 * The engine contract: all that gateways know of storage. The embedded log implements it; another engine may. All
 * calls are asynchronous and no caller sees a file, a segment or a LevelDB key. `engineSuite` (test/storage) is the
 * contract as tests.
 *
 * Visibility: only durable (fsynced) data and state is ever returned. In the flush mode `async` an acknowledged
 * change may not be durable yet; a call with `settled: true` (and every call that is documented so) first brings the
 * pending fsync forward, so whoever got an ack sees its effect.
 */

import type { RecordBatch } from './batch/record-batch.ts'
import type { EngineStats, EngineStatus } from './engine-figures.ts'
import type { StoreError } from './errors.ts'
import type { StateFamily, StateKey, StateRow, StateRows, TimerRow } from './state/rows.ts'

export type { EngineStats, EngineStatus } from './engine-figures.ts'

/** A topic id: 16 bytes (UUID) as 32 lower-case hex digits, so that it can be a map key. */
export type TopicId = string
/** A queue's number across all topics, 1 to 2^24 - 1, never used twice. */
export type QueueUid = number

/** Where a topic's messages may come from and go to; RocketMQ's bits (PermName): 4 read, 2 write. */
export type TopicPerm = 0 | 2 | 4 | 6

export interface TopicNames {
  /** As Kafka clients say it; unique. */
  readonly kafka: string
  /** As RocketMQ clients say it; unique. */
  readonly rocketmq: string
}

/** What a topic is. Frozen: a change makes a new object. */
export interface Topic {
  readonly id: TopicId
  readonly names: TopicNames
  /** Uid of queue 0, 1, 2, ... */
  readonly queues: readonly QueueUid[]
  /** Only what was set for this topic, by Kafka's names and as Kafka prints the value. */
  readonly config: Readonly<Record<string, string>>
  readonly perm: TopicPerm
  /** RocketMQ's message.type attribute: NORMAL, FIFO, DELAY, TRANSACTION, MIXED or UNSPECIFIED. */
  readonly messageType: string
  /** RocketMQ's readQueueNums and writeQueueNums, 0 to queues.length. */
  readonly readQueues: number
  readonly writeQueues: number
  /** Never shown to clients in lists. */
  readonly system: boolean
  readonly createdMs: number
}

export interface NewTopic {
  /** Chosen by the caller, from `Random.uuid`. */
  readonly id: TopicId
  readonly names: TopicNames
  /** 1 or more. */
  readonly queueCount: number
  readonly config?: Readonly<Record<string, string>>
  readonly perm?: TopicPerm
  readonly messageType?: string
  /** 0 to queueCount; absent: all. */
  readonly readQueues?: number
  readonly writeQueues?: number
  readonly system?: boolean
}

/** What may be changed of a topic that exists. Absent = as it was. `config` replaces the whole map. */
export interface TopicUpdate {
  readonly config?: Readonly<Record<string, string>>
  readonly perm?: TopicPerm
  readonly messageType?: string
  readonly readQueues?: number
  readonly writeQueues?: number
  /** The new number of queues; must not be below the present one. */
  readonly queueCount?: number
}

export type Origin = 'kafka' | 'rocketmq'

/** Consecutive batches for one queue, stored as they are but for base offset and leader epoch (patched in place). */
export interface BatchAppend {
  readonly queue: QueueUid
  readonly batches: readonly RecordBatch[]
  readonly origin: Origin
  /** LogAppendTime: stamp each batch with the append time, CRC recomputed. */
  readonly stampAppendTime?: boolean
}

/** A record that is sent alone: sealing packs it into one batch with its neighbours. */
export interface PackedRecord {
  /** ms since the epoch. */
  readonly timestamp: number
  /** What a record of the batch format v2 holds after its offset delta: key, value, headers. */
  readonly encoded: Buffer
  /** Its body is compressed in RocketMQ's way (the run is flagged so). */
  readonly isCompressed: boolean
  /** What `findByKey` finds it by. */
  readonly keys: readonly string[]
}

/** What an append settles (a timer, a lease): kept in its run for the readers that need it. */
export interface Resolves {
  readonly queue: QueueUid
  readonly offset: number
}

/** Consecutive single records for one queue. */
export interface RecordAppend {
  readonly queue: QueueUid
  readonly records: readonly PackedRecord[]
  readonly origin: 'rocketmq'
  readonly resolves?: readonly Resolves[]
  /** They will be read one by one, and far from each other: to be stored in small pieces, cheap to read alone. */
  readonly apart?: boolean
}

export type Append = BatchAppend | RecordAppend

export interface AppendResult {
  /** Offset of the append's first record; for a duplicate, of the first one's. */
  readonly baseOffset: number
  /** The flush group's append time, ms. */
  readonly appendTimeMs: number
  readonly logStartOffset: number
  /** The producer had sent it before (KIP-98); nothing was written again. */
  readonly duplicate: boolean
}

/** What keys and values of a commit's changes may refer to: known only when the group is sealed. */
export interface Bound {
  /** One for each append of the commit, in order. */
  readonly appends: readonly { readonly baseOffset: number; readonly appendTimeMs: number }[]
  /** The append time of the group, ms. */
  readonly appendTimeMs: number
}

/** A change of state. Functions are called once, at seal; they must be pure and must not throw. */
export type Change =
  | {
      readonly op: 'put'
      readonly row: StateRow | ((bound: Bound) => StateRow)
      /** Bytes of the texts in a row that a function makes, at most; 8 KiB where it is left out. */
      readonly bytesMax?: number
    }
  | { readonly op: 'delete'; readonly key: StateKey | ((bound: Bound) => StateKey) }
  | { readonly op: 'create-topic'; readonly topic: NewTopic }
  | { readonly op: 'update-topic'; readonly id: TopicId; readonly update: TopicUpdate }
  /** Drops the topic with its queues and all state keyed by its id (committed offsets, ...). */
  | { readonly op: 'delete-topic'; readonly id: TopicId }
  /**
   * Takes the records before `offset` away. Never back, never beyond the end: what would be is left out, so that of
   * several moves the farthest holds. Unlike a put of the row this cannot undo another's.
   */
  | { readonly op: 'move-log-start'; readonly queue: QueueUid; readonly offset: number }
  /** Reserves `count` producer ids; the first comes back in `CommitResult.producerIds`. */
  | { readonly op: 'reserve-producer-ids'; readonly count: number }

/** Checked at seal against the sealed state. If one fails, the commit changes nothing ('condition-failed'). */
export type Condition =
  | { readonly is: 'absent' | 'present'; readonly key: StateKey }
  /** `version` as returned by readState: the row was not written since. */
  | { readonly is: 'version'; readonly key: StateKey; readonly version: number }
  | { readonly is: 'topic'; readonly id: TopicId }

/** Appends and state changes that happen together or not at all. */
export interface Commit {
  readonly appends?: readonly Append[]
  readonly changes?: readonly Change[]
  readonly conditions?: readonly Condition[]
}

export interface CommitResult {
  readonly appends: readonly AppendResult[]
  /** Topics created or updated by the commit, in the order of its changes. */
  readonly topics: readonly Topic[]
  /** First id of each reserve-producer-ids change, in order. */
  readonly producerIds: readonly number[]
  readonly appendTimeMs: number
}

export type Isolation = 'uncommitted' | 'committed'

export interface QueueRead {
  readonly queue: QueueUid
  /** The first batch returned is the one that contains this offset. */
  readonly offset: number
  /** Soft limit for this queue, bytes. */
  readonly maxBytes: number
}

export interface ReadRequest {
  /** In this order they share `maxBytes`. */
  readonly queues: readonly QueueRead[]
  /** Soft limit for all: the first queue that has data gives one whole batch at least, whatever its size. */
  readonly maxBytes: number
  readonly isolation: Isolation
  /** Say of each stretch returned where it came from (`QueueData.origins`). */
  readonly withOrigins?: boolean
  /**
   * Buffers may be the store's own memory, lent until `QueueData.release` is called: it must be, once for each answer
   * that has it, when the bytes are not needed any more. Saves a copy. Otherwise buffers stay as they are for ever.
   */
  readonly borrows?: boolean
}

/** Offsets that were appended together, by clients of one protocol. */
export interface OriginOf {
  readonly nextOffset: number
  readonly origin: Origin
  readonly appendTimeMs: number
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface QueueData {
  /** Whole record batches, in order; not to be written to. Empty at the end of the queue. */
  readonly buffers: readonly Buffer[]
  /** Sum of `buffers`' lengths. */
  readonly bytes: number
  /** The offset after the last record returned; the requested offset if nothing was. */
  readonly nextOffset: number
  /** Taken with the read, never before it. */
  readonly ends: QueueEnds
  /** Transactions aborted within what was returned, ascending by first offset; empty for 'uncommitted'. */
  readonly aborted: readonly AbortedTransaction[]
  /** Some records have a body that is compressed in RocketMQ's way. */
  readonly hasCompressedBodies: boolean
  /** Ascending, up to and beyond the last record returned; empty unless asked for. */
  readonly origins: readonly OriginOf[]
  /** Gives `buffers` back, where they were lent. Their bytes are not to be looked at afterwards. */
  readonly release?: () => void
}

/** One answer a queue read, same order: data, or why not (offset-out-of-range, queue-gone, corrupt, io-failed). */
export type QueueReadResult = QueueData | StoreError

export interface QueueEnds {
  readonly logStartOffset: number
  /** The fsynced end: offset of the next record, were everything durable. */
  readonly highWatermark: number
  /** Never above the high watermark; the two are equal while no transaction is open. */
  readonly lastStableOffset: number
  /** 0 and up; rises when an open could not prove that nothing acknowledged was lost. */
  readonly leaderEpoch: number
}

export interface WaitRequest {
  /** `offset`: data from here on counts. */
  readonly queues: readonly { readonly queue: QueueUid; readonly offset: number }[]
  /** Bytes over all queues that complete the wait; 1 and up. */
  readonly minBytes: number
  /** 0 to 2^31 - 1. */
  readonly maxWaitMs: number
  readonly isolation: Isolation
  readonly signal?: AbortSignal
}

/** `changed`: a queue awaited is gone or its log start moved past the offset; read again to see. */
export type WaitResult = 'ready' | 'timeout' | 'changed'

export type TimeBound = 'record' | 'append'

export interface TimePoint {
  readonly offset: number
  readonly timestampMs: number
  readonly leaderEpoch: number
}

/** Where a record with a wanted key may be: keys are found by hash, so the caller compares the record itself. */
export interface KeyMatch {
  readonly queue: QueueUid
  readonly offset: number
  readonly appendTimeMs: number
}

export interface KeyQuery {
  readonly topicId: TopicId
  readonly key: string
  /** Append times, both inclusive, ms. */
  readonly fromMs: number
  readonly toMs: number
  /** Matches wanted, at most; 1 to 10,000. */
  readonly countMax: number
}

export interface DueTimersQuery {
  /** Where the records wait. */
  readonly queue: QueueUid
  /** Due at that time or before, ms. */
  readonly throughMs: number
  /** 1 to 1000. */
  readonly countMax: number
}

/** The timers of a queue, all together. */
export interface TimerSummary {
  readonly pending: number
  /** When the first of them is due, ms; undefined if there is none. */
  readonly nextDueMs: number | undefined
}

export interface VersionedRow<F extends StateFamily = StateFamily> {
  readonly row: StateRows[F]
  /** For the condition `version`. */
  readonly version: number
}

export type TopicLookup =
  | { readonly kafkaName: string }
  | { readonly rocketmqName: string }
  | { readonly id: TopicId }
  | { readonly queue: QueueUid }

export interface EngineInfo {
  /** 16 bytes as 32 hex digits, fixed at creation. */
  readonly storeId: string
  /** What Kafka clients are told: 22 characters of URL-safe base64. */
  readonly clusterId: string
}

export interface Engine {
  readonly info: EngineInfo
  /** Resolves when the flush mode's promise holds (sync: fsynced; async: written). Rejects with StoreError. */
  commit(commit: Commit): Promise<CommitResult>
  read(request: ReadRequest): Promise<readonly QueueReadResult[]>
  /** Resolves when `minBytes` of new durable data are there, at the latest after `maxWaitMs`. */
  waitForData(request: WaitRequest): Promise<WaitResult>
  /** Settled. Rejects with queue-gone. */
  ends(queue: QueueUid): Promise<QueueEnds>
  /** The same for many queues at once; undefined for those that are gone. */
  endsOf(queues: readonly QueueUid[]): Promise<readonly (QueueEnds | undefined)[]>
  /**
   * The first record whose timestamp ('record'), or whose run's append time ('append'), is at or after
   * `timestampMs`; null if there is none. Settled. Rejects with queue-gone.
   */
  offsetByTime(queue: QueueUid, timestampMs: number, by: TimeBound): Promise<TimePoint | null>
  /** The record with the greatest timestamp (KIP-734), the earliest of several; null for an empty queue. Settled. */
  latestByTimestamp(queue: QueueUid): Promise<TimePoint | null>
  /** Records of the topic that were appended with the key, newest first. Settled. */
  findByKey(query: KeyQuery): Promise<readonly KeyMatch[]>
  /**
   * KIP-101: the largest epoch known that is at or below `leaderEpoch`, and where it ended (the high watermark for the
   * current one); null where nothing is known (an epoch from the future, or before the first).
   */
  epochEnd(
    queue: QueueUid,
    leaderEpoch: number
  ): Promise<{ epoch: number; endOffset: number } | null>
  /** Bytes of batches that each queue has from its log start on; undefined for those that are gone. Settled. */
  sizesOf(queues: readonly QueueUid[]): Promise<readonly (number | undefined)[]>
  /** Takes away now what its topics' policies let go, and frees what space can be freed, instead of at the next check. */
  enforceRetention(): Promise<void>
  findTopic(by: TopicLookup, options?: { settled?: boolean }): Promise<Topic | undefined>
  /** All topics, system ones too, in no special order. */
  topics(options?: { settled?: boolean }): Promise<readonly Topic[]>
  readState<F extends StateFamily>(
    key: StateKey<F>,
    options?: { settled?: boolean }
  ): Promise<VersionedRow<F> | undefined>
  /** The timers of a queue that are due first, ascending by due time, then offset. Settled. */
  dueTimers(query: DueTimersQuery): Promise<readonly TimerRow[]>
  timersOf(queue: QueueUid): Promise<TimerSummary>
  /** All rows of a family, or of one of its buckets (see StateKey). Settled. Timers may be very many. */
  scanState<F extends StateFamily>(family: F, bucket?: string): Promise<readonly StateRows[F][]>
  /** Async mode: brings the pending fsync forward and waits for it. Sync mode: nothing to do. */
  settle(): Promise<void>
  status(): EngineStatus
  stats(): EngineStats
  /** Refuses new commits, flushes what is pending, writes a checkpoint and closes. Idempotent. */
  close(): Promise<void>
}
