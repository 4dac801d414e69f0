/** What the parts of a segment say, as data. Byte layouts stand beside their parsers in this folder. */
import type { QueueUid } from '../contract.ts'
import type { StoredKey, StoredRow } from '../state/stored-rows.ts'

/** A place in the log. */
export interface Address {
  readonly segment: number
  /** Bytes from the start of the segment's file. */
  readonly position: number
}

export interface SegmentHeader {
  readonly formatVersion: number
  /** Feature bits that an older reader may ignore. */
  readonly compatible: number
  /** Feature bits that a reader must know, or leave the store alone. */
  readonly incompatible: number
  /** 16 bytes. */
  readonly storeId: Buffer
  readonly segmentId: number
  readonly createdMs: number
}

/** Ends a sealed segment; durable before the next segment gets its first group. */
export interface SegmentFooter {
  readonly segmentId: number
  /** Where the footer stands: everything before it is header and groups. */
  readonly position: number
  readonly lastSequence: number
  readonly groupCount: number
  /** Where the log goes on. */
  readonly nextSegmentId: number
}

export interface GroupHeader {
  /** 1, 2, 3, ... over all segments. */
  readonly sequence: number
  readonly segmentId: number
  readonly position: number
  /** Of the whole group, this header included. */
  readonly bytes: number
  readonly entryCount: number
  readonly appendTimeMs: number
  /** The last sequence known to be fsynced when this group was sealed. */
  readonly durableThrough: number
}

/** What runs settle (timers, leases); kept for the readers that need it. */
export interface Resolved {
  readonly queue: QueueUid
  readonly offset: number
}

/** A field that an older reader skips. */
export interface Extension {
  readonly tag: number
  readonly bytes: Buffer
}

export const runFlags = {
  /** Records that RocketMQ clients sent, packed at seal. */
  rocketmq: 1,
  /** At least one of them has a compressed body. */
  rocketmqCompressed: 2,
  /** Records of it were compacted away: between its batches offsets may be missing. */
  compacted: 4
} as const

export interface RunHeader {
  readonly flags: number
  readonly queue: QueueUid
  readonly baseOffset: number
  readonly recordCount: number
  readonly batchCount: number
  /** Of the batches, headers included; the run header not. */
  readonly batchBytes: number
  readonly appendTimeMs: number
  readonly maxTimestamp: number
  readonly resolves: readonly Resolved[]
  readonly extensions: readonly Extension[]
}

/** Absolute values, never increments: replaying an entry twice does no harm. */
export type LoggedChange =
  | { readonly op: 'put'; readonly entry: StoredRow }
  | { readonly op: 'delete'; readonly key: StoredKey }
  /** Drops the topic's row, its queues' rows, and every row keyed by its id. */
  | { readonly op: 'drop-topic'; readonly topicId: string }

/** Says what a queue uid in this segment meant, for checks and rebuilds without any state. Never applied. */
export interface Description {
  readonly topicId: string
  readonly kafkaName: string
  readonly rocketmqName: string
  readonly queues: readonly QueueUid[]
}
