import type { Topic } from './contract.ts'

/** How long a topic's records are kept. The engine asks again whenever the topic has changed. */
export interface KeepPolicy {
  /**
   * Age at which records may go, ms; Infinity: none do. Age counts from the append, for Kafka-born records from the
   * record's own timestamp where that is earlier.
   */
  readonly retentionMs: number
  /** Bytes that each queue keeps at least, once it has that many; Infinity: all. */
  readonly retentionBytes: number
  /** Records wait in the topic to be settled (timers): those before the oldest that waits may go, and only they. */
  readonly untilSettled: boolean
  /** Of each key the newest record stays alone; undefined: all stay. */
  readonly compaction: CompactionPolicy | undefined
}

/** How a topic is compacted: Kafka's settings of the same meaning. Times are ms; Infinity: no limit. */
export interface CompactionPolicy {
  /** How long a record without a value stays once it was compacted (delete.retention.ms). */
  readonly tombstoneMs: number
  /** Younger records are left alone (min.compaction.lag.ms). */
  readonly lagMsMin: number
  /** Older ones must be compacted, however little there is to gain (max.compaction.lag.ms). */
  readonly lagMsMax: number
  /** Records of that age do not wait for their segment to be full (segment.ms, or lagMsMax). */
  readonly sealMs: number
  /** A queue of which more than this share, by bytes, was never compacted is compacted (min.cleanable.dirty.ratio). */
  readonly dirtyShareMin: number
}

export type KeepPolicyOf = (topic: Topic) => KeepPolicy

export const keepForever: KeepPolicy = {
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
  untilSettled: false,
  compaction: undefined
}
