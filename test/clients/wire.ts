/** What goes over a driver's stdin and stdout: see README.md. */

/** Bytes as base64, or null. */
export type WireBytes = string | null

export interface WireRecord {
  partition: number
  /** -1 in what is still to be produced. */
  offset: number
  /** Milliseconds since the epoch. */
  timestamp: number
  key: WireBytes
  value: WireBytes
  headers: [string, WireBytes][]
}

/** Partition number (as text, JSON's choice) to offset; -1 is none. */
export type OffsetOf = Record<string, number>

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface Commands {
  'create-topic': { ask: { topic: string; partitions: number }; answer: object }
  'delete-topic': { ask: { topic: string }; answer: object }
  'list-topics': { ask: object; answer: { topics: string[] } }
  'describe-topic': { ask: { topic: string }; answer: { partitions: number } }
  /** Offsets in the order of the records; null from a client that does not tell. */
  produce: {
    ask: { topic: string; codec: Codec; records: WireRecord[] }
    answer: { offsets: number[] | null }
  }
  /** Opens a reader of all partitions, outside any group. */
  open: { ask: { topic: string; from: 'beginning' | 'end' }; answer: { positions: OffsetOf } }
  /** Answers when there are `count` records or the time is up; what came in excess is given too. */
  take: { ask: { count: number; timeoutMs: number }; answer: { records: WireRecord[] } }
  close: { ask: object; answer: object }
  /** Becomes a group member that commits after each batch of records that it was given. */
  join: { ask: { topic: string; group: string; sessionTimeoutMs: number }; answer: object }
  leave: { ask: object; answer: object }
  committed: { ask: { topic: string; group: string }; answer: { offsets: OffsetOf } }
  'offsets-for-time': { ask: { topic: string; timestamp: number }; answer: { offsets: OffsetOf } }
  'end-offsets': { ask: { topic: string }; answer: { offsets: OffsetOf } }
}

export type Verb = keyof Commands

export type MemberEvent =
  | { event: 'assigned'; partitions: number[] }
  | { event: 'records'; records: WireRecord[] }
  | { event: 'committed'; offsets: OffsetOf }
  | { event: 'trouble'; error: string }

export type DriverLine = { id: number; ok: object } | { id: number; error: string } | MemberEvent
