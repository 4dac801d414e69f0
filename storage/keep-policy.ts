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
}

export type KeepPolicyOf = (topic: Topic) => KeepPolicy

export const keepForever: KeepPolicy = {
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
  untilSettled: false
}
