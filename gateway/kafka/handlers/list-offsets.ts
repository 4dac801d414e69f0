/**
 * ListOffsets, versions 1 to 11. Negative timestamps ask for ends: -1 latest (the last stable offset for
 * read_committed), -2 and -4 earliest, -3 the record with the greatest timestamp (KIP-734), -5 and -6 about tiered
 * storage, of which there is none (KIP-1005, KIP-1023). No record that late is no error: offset and timestamp -1.
 */
import type { QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes, kafkaErrorOf } from '../error-codes.ts'
import type { ListOffsetsRequest, ListOffsetsResponseInput } from '../schemas/list-offsets.ts'
import { leaderEpochError } from './leader-epoch.ts'

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number]
type Answer = ListOffsetsResponseInput['topics'][number]['partitions'][number]

const latest = -1
const earliest = -2
const greatestTimestamp = -3
const earliestLocal = -4
const latestTiered = -5
const earliestPendingUpload = -6

/** From which version of the request on each may be asked. */
const sinceVersion = new Map([
  [latest, 0],
  [earliest, 0],
  [greatestTimestamp, 7],
  [earliestLocal, 8],
  [latestTiered, 9],
  [earliestPendingUpload, 11]
])

export const listOffsets: Handler<ListOffsetsRequest, ListOffsetsResponseInput> = async (
  request,
  context
) => {
  const seen = new Set<string>()
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => {
      const topic = await context.topics.findByName(name)
      const queues = topic === undefined || topic.system ? [] : topic.queues
      const answers = partitions.map((asked) => {
        const key = `${asked.partitionIndex} ${name}`
        if (seen.has(key)) return errorAnswer(asked, errorCodes.INVALID_REQUEST)
        seen.add(key)
        const queue = queues[asked.partitionIndex]
        if (queue === undefined) return errorAnswer(asked, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
        return answerPartition(queue, asked, request.isolationLevel === 1, context)
      })
      return { name, partitions: await Promise.all(answers) }
    })
  )
  return { topics }
}

function errorAnswer({ partitionIndex }: Asked, errorCode: ErrorCode): Answer {
  return { partitionIndex, errorCode }
}

async function answerPartition(
  queue: QueueUid,
  asked: Asked,
  committed: boolean,
  context: RequestContext
): Promise<Answer> {
  const { timestamp, currentLeaderEpoch, partitionIndex } = asked
  const since = timestamp < 0 ? sinceVersion.get(timestamp) : 0
  if (since === undefined || context.version < since) {
    return errorAnswer(asked, errorCodes.UNSUPPORTED_VERSION)
  }
  try {
    const ends = await context.engine.ends(queue)
    const error = leaderEpochError(currentLeaderEpoch, ends.leaderEpoch)
    if (error !== errorCodes.NONE) return errorAnswer(asked, error)
    const end = committed ? ends.lastStableOffset : ends.highWatermark
    const { leaderEpoch, logStartOffset } = ends
    switch (timestamp) {
      case latest:
        return { partitionIndex, errorCode: errorCodes.NONE, offset: end, leaderEpoch }
      case earliest:
      case earliestLocal: {
        // The epoch of the oldest record is known only where there was never another one.
        const epoch = leaderEpoch === 0 ? 0 : -1
        return {
          partitionIndex,
          errorCode: errorCodes.NONE,
          offset: logStartOffset,
          leaderEpoch: epoch
        }
      }
      case latestTiered:
      case earliestPendingUpload:
        return { partitionIndex, errorCode: errorCodes.NONE }
      default:
        return await answerByTime(queue, asked, end, context)
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return errorAnswer(asked, kafkaErrorOf[error.code])
  }
}

async function answerByTime(
  queue: QueueUid,
  { timestamp, partitionIndex }: Asked,
  end: number,
  { engine }: RequestContext
): Promise<Answer> {
  const found =
    timestamp === greatestTimestamp
      ? await engine.latestByTimestamp(queue)
      : await engine.offsetByTime(queue, timestamp, 'record')
  const errorCode = errorCodes.NONE
  // What the isolation level may not see is not there.
  if (found === null || found.offset >= end) return { partitionIndex, errorCode }
  const { offset, timestampMs, leaderEpoch } = found
  return { partitionIndex, errorCode, offset, timestamp: timestampMs, leaderEpoch }
}
