/**
 * OffsetCommit, versions 2 to 9. Acknowledged when stored as the flush mode has it. Offsets are the client's: negative
 * ones and those past the end are kept as they are (KafkaJS commits -1 and -2). What is refused is refused partition by
 * partition: unknown ones (3), texts that are too long (12), all of them where the group says no. Retention times that
 * clients ask for (2 to 4) have been the server's matter since KIP-211.
 */
import type { OffsetEntry } from '../../broker/groups/index.ts'
import { kafkaGroupNameFault } from '../../broker/names.ts'
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type { OffsetCommitRequest, OffsetCommitResponseInput } from '../schemas/offset-commit.ts'
import { groupErrorFor } from './group-store-errors.ts'

/** offset.metadata.max.bytes; Kafka counts characters. */
export const offsetMetadataMax = 4_096

type AskedPartition = OffsetCommitRequest['topics'][number]['partitions'][number]

/** One partition of the request: where it goes, or why not. */
interface Answer {
  readonly partitionIndex: number
  errorCode: ErrorCode
  readonly topicId: string
}

export const offsetCommit: Handler<OffsetCommitRequest, OffsetCommitResponseInput> = async (
  request,
  context
) => {
  const refusal = refusalOf(request, context)
  const entries: OffsetEntry[] = []
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => {
      if (refusal !== errorCodes.NONE) {
        return { name, partitions: partitions.map((asked) => answer(asked, refusal)) }
      }
      const topic = await context.topics.findByName(name)
      const queueCount = topic === undefined || topic.system ? 0 : topic.queues.length
      const topicId = topic?.id ?? ''
      const answers = partitions.map((asked) => {
        const errorCode = partitionError(asked, queueCount)
        if (errorCode === errorCodes.NONE) entries.push(entryOf(topicId, asked))
        return answer(asked, errorCode, topicId)
      })
      return { name, partitions: answers }
    })
  )
  if (entries.length > 0) {
    const answers = topics.flatMap(({ partitions }) => partitions)
    await store(request.groupId, entries, answers, context)
  }
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, errorCode }) => ({ partitionIndex, errorCode }))
    }))
  }
}

function refusalOf(request: OffsetCommitRequest, context: RequestContext): ErrorCode {
  const { groupId, memberId, groupInstanceId: instanceId } = request
  // Older clients may commit for the group without a name, as in Kafka.
  if (groupId !== '' && kafkaGroupNameFault(groupId) !== undefined) {
    return errorCodes.INVALID_GROUP_ID
  }
  const generation = request.generationIdOrMemberEpoch
  return context.groups.checkCommit({ groupId, memberId, instanceId, generation }, context.version)
}

function partitionError(asked: AskedPartition, queueCount: number): ErrorCode {
  const { partitionIndex, committedMetadata } = asked
  if (partitionIndex < 0 || partitionIndex >= queueCount) {
    return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  }
  return (committedMetadata ?? '').length > offsetMetadataMax
    ? errorCodes.OFFSET_METADATA_TOO_LARGE
    : errorCodes.NONE
}

function answer({ partitionIndex }: AskedPartition, errorCode: ErrorCode, topicId = ''): Answer {
  return { partitionIndex, errorCode, topicId }
}

function entryOf(topicId: string, asked: AskedPartition): OffsetEntry {
  return {
    topicId,
    queue: asked.partitionIndex,
    offset: asked.committedOffset,
    leaderEpoch: asked.committedLeaderEpoch,
    metadata: asked.committedMetadata ?? ''
  }
}

async function store(
  group: string,
  entries: readonly OffsetEntry[],
  answers: readonly Answer[],
  context: RequestContext
): Promise<void> {
  const accepted = answers.filter(({ errorCode }) => errorCode === errorCodes.NONE)
  try {
    const gone = await context.groups.offsets.commit(group, entries)
    for (const each of accepted) {
      // Deleted since it was looked up.
      if (gone.has(each.topicId)) each.errorCode = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    }
  } catch (error) {
    const errorCode = groupErrorFor(error, context)
    for (const each of accepted) each.errorCode = errorCode
  }
}
