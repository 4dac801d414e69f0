/**
 * Fetch, versions 4 to 18. Every partition asked for is answered, in the order asked, also the empty ones. Sessions
 * (KIP-227) are refused by always answering session 0, so that clients go on with full requests. Records are chunks of
 * the store's, passed on by reference; batches are never cut. No preferred replica: there is one node.
 */
import type { QueueData, QueueRead, QueueReadResult, Topic } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type { FetchRequest, FetchResponseInput } from '../schemas/fetch.ts'
import { withPlainBodies } from './fetch-bodies.ts'
import {
  applyRead,
  type FetchedPartition,
  failRead,
  newPartition,
  responseOf,
  takeUnlessDiverged
} from './fetch-partition.ts'

/** The first version that names topics by id (KIP-516). */
const firstWithTopicIds = 13
/** Session epochs of requests that name all partitions: a session's first, and none. */
const fullEpochs = [0, -1]

/** One fetch while it is gathered. */
interface Gathering {
  readonly topics: FetchRequest['topics']
  /** All partitions, in the order asked. */
  readonly partitions: FetchedPartition[]
  readonly maxBytes: number
  readonly minBytes: number
  readonly committed: boolean
  /** There was no room for as much as was asked for. */
  curtailed: boolean
}

export const fetch: Handler<FetchRequest, FetchResponseInput> = async (request, context) => {
  if (!fullEpochs.includes(request.sessionEpoch)) {
    return { errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
  }
  const gathering = await gather(request, context)
  await readAll(gathering, context)
  const gathered = bytesOf(gathering)
  const missing = gathering.minBytes - gathered
  // What there was no room for is asked for again: waiting would only keep the client from that.
  const settled = gathering.curtailed && gathered > 0
  const eventful = settled || !gathering.partitions.every(isUneventful)
  const waits = missing > 0 && request.maxWaitMs > 0 && !eventful
  if (waits && gathering.partitions.length > 0) {
    const ended = await waitForMore(gathering, missing, request, context)
    // After a time-out nothing can have come if a single byte would have ended it.
    if (ended !== 'cancelled' && (ended !== 'timeout' || missing > 1)) {
      await readAll(gathering, context)
    }
  }
  return { responses: responseOf(gathering.topics, gathering.partitions, gathering.committed) }
}

async function gather(request: FetchRequest, context: RequestContext): Promise<Gathering> {
  const byId = context.version >= firstWithTopicIds
  const topics = await Promise.all(
    request.topics.map(({ topic, topicId }) =>
      byId ? context.topics.findById(topicId) : context.topics.findByName(topic)
    )
  )
  const missing = byId ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const partitions: FetchedPartition[] = []
  for (let i = 0; i < topics.length; i++) {
    const topic = visible(topics[i])
    for (const asked of request.topics[i]?.partitions ?? []) {
      const partition = newPartition(asked, topic?.queues[asked.partition], missing)
      if (topic === undefined) partition.errorCode = missing
      partitions.push(partition)
    }
  }
  const maxBytes = Math.min(Math.max(request.maxBytes, 1), context.limits.fetchBytesMax)
  return {
    topics: request.topics,
    partitions,
    maxBytes,
    minBytes: Math.min(request.minBytes, maxBytes),
    committed: request.isolationLevel === 1,
    curtailed: false
  }
}

/** Kafka's clients are not shown what the server keeps for itself. */
function visible(topic: Topic | undefined): Topic | undefined {
  return topic?.system ? undefined : topic
}

function isUneventful({ errorCode, diverging }: FetchedPartition): boolean {
  return errorCode === errorCodes.NONE && diverging === undefined
}

function bytesOf({ partitions }: Gathering): number {
  let bytes = 0
  for (const partition of partitions) bytes += partition.bytes
  return bytes
}

/** Reads every partition from where it is, as far as there is room; the ends come with the read. */
async function readAll(gathering: Gathering, context: RequestContext): Promise<void> {
  const { partitions, committed } = gathering
  const had = bytesOf(gathering)
  const queues: QueueRead[] = []
  const read: FetchedPartition[] = []
  for (const partition of partitions) {
    if (partition.queue === undefined || !isUneventful(partition)) continue
    const maxBytes = Math.max(partition.maxBytes - partition.bytes, 1)
    queues.push({ queue: partition.queue, offset: partition.nextOffset, maxBytes })
    read.push(partition)
  }
  if (queues.length === 0) return
  const wanted = roomFor(queues, gathering.maxBytes - had)
  let room = context.reserveAnswer(wanted)
  if (room < wanted) gathering.curtailed = true
  const results = await readQueues(queues, room, committed, context)
  let taken = had
  for (let i = 0; i < read.length; i++) {
    const partition = read[i] as FetchedPartition
    const result = results[i]
    if (result === undefined) throw new Error('the store answered fewer queues than were read')
    if (result instanceof StoreError) {
      failRead(partition, result, context.version >= firstWithTopicIds)
      continue
    }
    const most = taken === 0 ? gathering.maxBytes : room
    const isPlain = !result.hasCompressedBodies
    const plain = isPlain ? result : await plainOf(result, partition, most, context)
    // Only the very first batch of a response may be larger than what was asked for; inflated ones are.
    const mayExceed = isPlain ? had === 0 : taken === 0
    const fits = mayExceed || plain.bytes <= room
    room -= fits ? plain.bytes : 0
    taken += fits ? plain.bytes : 0
    const data = fits ? plain : withoutData(result, partition)
    if (!applyRead(partition, data)) await takeUnlessDiverged(partition, data, context)
  }
}

/** How much an answer for these queues may come to. */
function roomFor(queues: readonly QueueRead[], left: number): number {
  let bytes = 0
  for (const { maxBytes } of queues) bytes += maxBytes
  return Math.max(Math.min(bytes, left), 1)
}

async function readQueues(
  queues: readonly QueueRead[],
  maxBytes: number,
  committed: boolean,
  context: RequestContext
): Promise<readonly QueueReadResult[]> {
  const isolation = committed ? 'committed' : 'uncommitted'
  const { engine } = context
  try {
    const read = { queues, maxBytes, isolation, withOrigins: true, borrows: true } as const
    const results = await engine.read(read)
    for (const result of results) {
      if (!(result instanceof StoreError) && result.release) context.afterAnswer(result.release)
    }
    return results
  } finally {
    context.releaseAnswer(maxBytes)
  }
}

/** As Kafka's clients can read it. */
function plainOf(
  data: QueueData,
  { queue, maxBytes, bytes }: FetchedPartition,
  room: number,
  { batches }: RequestContext
): QueueData | Promise<QueueData> {
  if (queue === undefined) return data
  return withPlainBodies(queue, data, Math.min(room, maxBytes - bytes), batches)
}

function withoutData(result: QueueData, { nextOffset }: FetchedPartition): QueueData {
  return { ...result, buffers: [], bytes: 0, nextOffset, aborted: [] }
}

async function waitForMore(
  gathering: Gathering,
  minBytes: number,
  request: FetchRequest,
  { engine, limits, signal }: RequestContext
): Promise<'ready' | 'timeout' | 'changed' | 'cancelled'> {
  const queues: { queue: number; offset: number }[] = []
  for (const { queue, nextOffset } of gathering.partitions) {
    if (queue !== undefined) queues.push({ queue, offset: nextOffset })
  }
  const maxWaitMs = Math.min(request.maxWaitMs, limits.fetchWaitMsMax)
  const isolation = gathering.committed ? 'committed' : 'uncommitted'
  try {
    return await engine.waitForData({ queues, minBytes, maxWaitMs, isolation, signal })
  } catch (error) {
    if (error instanceof StoreError && error.code === 'cancelled') return 'cancelled'
    throw error
  }
}
