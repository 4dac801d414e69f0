/** One partition of a fetch: what was asked, what was read, and its errors. */
import type { AbortedTransaction, QueueData, QueueUid } from '../../../storage/contract.ts'
import type { StoreError, StoreErrorCode } from '../../../storage/errors.ts'
import type { RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type { FetchRequest, FetchResponseInput } from '../schemas/fetch.ts'
import { leaderEpochError } from './leader-epoch.ts'

type Asked = FetchRequest['topics'][number]['partitions'][number]

/** The only errors that Java's consumer knows here; any other is an exception out of its poll() (FetchCollector). */
type FetchError =
  | typeof errorCodes.CORRUPT_MESSAGE
  | typeof errorCodes.KAFKA_STORAGE_ERROR
  | typeof errorCodes.NOT_LEADER_OR_FOLLOWER
  | typeof errorCodes.OFFSET_OUT_OF_RANGE
  | typeof errorCodes.UNKNOWN_TOPIC_OR_PARTITION

const fetchErrors = {
  closed: errorCodes.NOT_LEADER_OR_FOLLOWER,
  'condition-failed': errorCodes.KAFKA_STORAGE_ERROR,
  'queue-gone': errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  'topic-gone': errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  'topic-exists': errorCodes.KAFKA_STORAGE_ERROR,
  'limit-reached': errorCodes.KAFKA_STORAGE_ERROR,
  'sequence-out-of-order': errorCodes.KAFKA_STORAGE_ERROR,
  'producer-epoch-stale': errorCodes.KAFKA_STORAGE_ERROR,
  'too-large': errorCodes.KAFKA_STORAGE_ERROR,
  'disk-full': errorCodes.KAFKA_STORAGE_ERROR,
  overloaded: errorCodes.NOT_LEADER_OR_FOLLOWER,
  'io-failed': errorCodes.KAFKA_STORAGE_ERROR,
  corrupt: errorCodes.CORRUPT_MESSAGE,
  'offset-out-of-range': errorCodes.OFFSET_OUT_OF_RANGE,
  cancelled: errorCodes.NOT_LEADER_OR_FOLLOWER
} as const satisfies Record<StoreErrorCode, FetchError>

export interface FetchedPartition {
  readonly index: number
  /** Undefined where there is no such partition. */
  readonly queue: QueueUid | undefined
  readonly maxBytes: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
  readonly fetchOffset: number
  errorCode: ErrorCode
  nextOffset: number
  buffers: readonly Buffer[]
  bytes: number
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
  leaderEpoch: number
  aborted: readonly AbortedTransaction[]
  diverging: { readonly epoch: number; readonly endOffset: number } | undefined
}

export function newPartition(
  asked: Asked,
  queue: QueueUid | undefined,
  missing: ErrorCode
): FetchedPartition {
  const partition: FetchedPartition = {
    index: asked.partition,
    queue,
    maxBytes: Math.max(asked.partitionMaxBytes, 1),
    currentLeaderEpoch: asked.currentLeaderEpoch,
    lastFetchedEpoch: asked.lastFetchedEpoch,
    fetchOffset: asked.fetchOffset,
    errorCode: errorCodes.NONE,
    nextOffset: asked.fetchOffset,
    buffers: [],
    bytes: 0,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    leaderEpoch: -1,
    aborted: [],
    diverging: undefined
  }
  if (queue === undefined) partition.errorCode = missing
  else if (asked.fetchOffset < 0) partition.errorCode = errorCodes.OFFSET_OUT_OF_RANGE
  return partition
}

/**
 * Takes what was read, after what was read before, and makes the checks that need the queue's epoch (KIP-320). Returns
 * false where `takeUnlessDiverged` must decide whether the data is taken.
 */
export function applyRead(partition: FetchedPartition, data: QueueData): boolean {
  const { ends } = data
  partition.highWatermark = ends.highWatermark
  partition.lastStableOffset = ends.lastStableOffset
  partition.logStartOffset = ends.logStartOffset
  partition.leaderEpoch = ends.leaderEpoch
  const error = leaderEpochError(partition.currentLeaderEpoch, ends.leaderEpoch)
  if (error !== errorCodes.NONE) {
    partition.errorCode = error
    dropData(partition)
    return true
  }
  const { lastFetchedEpoch } = partition
  if (lastFetchedEpoch >= 0 && lastFetchedEpoch !== ends.leaderEpoch) return false
  take(partition, data)
  return true
}

function take(partition: FetchedPartition, data: QueueData): void {
  if (data.bytes === 0) return
  partition.buffers = partition.bytes === 0 ? data.buffers : [...partition.buffers, ...data.buffers]
  partition.aborted =
    partition.aborted.length === 0 ? data.aborted : mergeAborted(partition.aborted, data.aborted)
  partition.bytes += data.bytes
  partition.nextOffset = data.nextOffset
}

/**
 * KIP-595: a client that read beyond where its epoch ended read what is no longer there; it gets no data and is told
 * where to go back to.
 */
export async function takeUnlessDiverged(
  partition: FetchedPartition,
  data: QueueData,
  { engine }: RequestContext
): Promise<void> {
  const { queue, lastFetchedEpoch, fetchOffset } = partition
  const end = await engine.epochEnd(queue as QueueUid, lastFetchedEpoch)
  if (end === null) {
    partition.errorCode = errorCodes.OFFSET_OUT_OF_RANGE
    dropData(partition)
  } else if (end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset) {
    partition.diverging = end
    dropData(partition)
  } else take(partition, data)
}

/** In both parts where a transaction spans them: once, and ascending by first offset. */
function mergeAborted(
  before: readonly AbortedTransaction[],
  after: readonly AbortedTransaction[]
): readonly AbortedTransaction[] {
  const known = new Set(before.map(({ producerId, firstOffset }) => `${producerId} ${firstOffset}`))
  const fresh = after.filter(
    ({ producerId, firstOffset }) => !known.has(`${producerId} ${firstOffset}`)
  )
  return [...before, ...fresh].sort((a, b) => a.firstOffset - b.firstOffset)
}

export function failRead(partition: FetchedPartition, error: StoreError, byId: boolean): void {
  const gone = error.code === 'queue-gone' || error.code === 'topic-gone'
  partition.errorCode = gone && byId ? errorCodes.UNKNOWN_TOPIC_ID : fetchErrors[error.code]
  dropData(partition)
  if (error.code !== 'offset-out-of-range') return
  // Spares some clients a ListOffsets; others expect -1 and look no further.
  const { logStartOffset, highWatermark } = error.detail
  if (typeof logStartOffset === 'number') partition.logStartOffset = logStartOffset
  if (typeof highWatermark === 'number') {
    partition.highWatermark = highWatermark
    partition.lastStableOffset = highWatermark
  }
}

function dropData(partition: FetchedPartition): void {
  partition.buffers = []
  partition.bytes = 0
  partition.aborted = []
  partition.nextOffset = partition.fetchOffset
}

/** The response's topics, from partitions in the order in which the request named them. */
export function responseOf(
  topics: FetchRequest['topics'],
  partitions: readonly FetchedPartition[],
  committed: boolean
): FetchResponseInput['responses'] {
  let next = 0
  return topics.map(({ topic, topicId, partitions: asked }) => {
    const answers = partitions.slice(next, next + asked.length)
    next += asked.length
    return { topic, topicId, partitions: answers.map((answer) => answerOf(answer, committed)) }
  })
}

type Answer = FetchResponseInput['responses'][number]['partitions'][number]

function answerOf(partition: FetchedPartition, committed: boolean): Answer {
  return {
    partitionIndex: partition.index,
    errorCode: partition.errorCode,
    highWatermark: partition.highWatermark,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.logStartOffset,
    divergingEpoch: partition.diverging,
    // KIP-227's readers take null for "not asked for" and an empty list for "none".
    abortedTransactions: committed ? partition.aborted : null,
    records: partition.buffers
  }
}
