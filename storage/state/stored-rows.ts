/** Everything the store keeps as rows: the callers' families (rows.ts) and the engine's own. */
import type { QueueUid, Topic, TopicId } from '../contract.ts'
import { keyOf, type StateKey, type StateRow } from './rows.ts'

/** A queue's end, as of the checkpoint that wrote it. */
export interface QueueRow {
  readonly queue: QueueUid
  readonly topicId: TopicId
  /** Queue number within the topic. */
  readonly index: number
  readonly nextOffset: number
  /** Greatest record timestamp of all records ever appended, -1 for none. */
  readonly maxTimestamp: number
}

/** A segment of the live set. */
export interface SegmentRow {
  readonly id: number
  readonly firstSequence: number
  /** -1 while it is open. */
  readonly lastSequence: number
  /** Header and groups; -1 while it is open. */
  readonly dataBytes: number
}

export interface ProducerBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly appendTimeMs: number
}

/** KIP-98: what a queue knows of one idempotent producer. */
export interface ProducerRow {
  readonly queue: QueueUid
  readonly producerId: number
  readonly epoch: number
  /** The last 5 at most, oldest first. */
  readonly batches: readonly ProducerBatch[]
}

/** Numbers that are handed out once. */
export interface CountersRow {
  readonly nextQueueUid: QueueUid
  readonly nextSegmentId: number
  readonly nextProducerId: number
}

export type EngineRow =
  | { readonly family: 'topic'; readonly row: Topic }
  | { readonly family: 'queue'; readonly row: QueueRow }
  | { readonly family: 'segment'; readonly row: SegmentRow }
  | { readonly family: 'producer'; readonly row: ProducerRow }
  | { readonly family: 'counters'; readonly row: CountersRow }

export type StoredRow = StateRow | EngineRow
export type StoredFamily = StoredRow['family']

export interface StoredKey {
  readonly family: StoredFamily
  readonly bucket: string
  readonly item: string
}

export const engineKeys = {
  topic: (id: TopicId): StoredKey => ({ family: 'topic', bucket: '', item: id }),
  queue: (queue: QueueUid): StoredKey => ({ family: 'queue', bucket: '', item: `${queue}` }),
  segment: (id: number): StoredKey => ({ family: 'segment', bucket: '', item: `${id}` }),
  producer: (queue: QueueUid, producerId: number): StoredKey => ({
    family: 'producer',
    bucket: `${queue}`,
    item: `${producerId}`
  }),
  counters: (): StoredKey => ({ family: 'counters', bucket: '', item: '' })
}

export function storedKeyOf(entry: StoredRow): StoredKey | StateKey {
  switch (entry.family) {
    case 'topic':
      return engineKeys.topic(entry.row.id)
    case 'queue':
      return engineKeys.queue(entry.row.queue)
    case 'segment':
      return engineKeys.segment(entry.row.id)
    case 'producer':
      return engineKeys.producer(entry.row.queue, entry.row.producerId)
    case 'counters':
      return engineKeys.counters()
    default:
      return keyOf(entry)
  }
}
