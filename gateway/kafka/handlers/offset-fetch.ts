/**
 * OffsetFetch, versions 1 to 9. One group up to version 7, many from 8 on (KIP-709). An unknown group, topic or
 * partition is no error: offset -1. Topics null (2 and later): all that the group has committed, of topics that exist.
 * `requireStable` (7) always holds: no transaction has offsets under way. Member epochs (9) are of groups that are not
 * served.
 */
import type { CommittedOffsetRow } from '../../../storage/state/rows.ts'
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type { OffsetFetchRequest, OffsetFetchResponseInput } from '../schemas/offset-fetch.ts'
import { groupErrorFor } from './group-store-errors.ts'

const firstWithGroups = 8
/** Before, there is no error but a partition's. */
const firstWithGroupError = 2

type AskedTopic = { readonly name: string; readonly partitionIndexes: readonly number[] }

interface PartitionAnswer {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly metadata: string
  readonly errorCode: ErrorCode
}

interface GroupAnswer {
  readonly errorCode: ErrorCode
  readonly topics: { readonly name: string; readonly partitions: PartitionAnswer[] }[]
}

export const offsetFetch: Handler<OffsetFetchRequest, OffsetFetchResponseInput> = async (
  request,
  context
) => {
  if (context.version < firstWithGroups) {
    const { errorCode, topics } = await fetchGroup(request.groupId, request.topics, context)
    if (context.version >= firstWithGroupError) return { errorCode, topics }
    return { topics: topicsWith(errorCode, request.topics ?? [], topics) }
  }
  const groups = await Promise.all(
    request.groups.map(async ({ groupId, topics }) => ({
      groupId,
      ...(await fetchGroup(groupId, topics, context))
    }))
  )
  return { groups }
}

async function fetchGroup(
  groupId: string,
  topics: readonly AskedTopic[] | null,
  context: RequestContext
): Promise<GroupAnswer> {
  try {
    const found =
      topics === null ? allTopics(groupId, context) : someTopics(groupId, topics, context)
    return { errorCode: errorCodes.NONE, topics: await found }
  } catch (error) {
    return { errorCode: groupErrorFor(error, context), topics: [] }
  }
}

async function someTopics(
  groupId: string,
  topics: readonly AskedTopic[],
  context: RequestContext
): Promise<GroupAnswer['topics']> {
  const found = await Promise.all(
    topics.map(async ({ name }) => {
      const topic = await context.topics.findByName(name)
      return topic === undefined || topic.system ? undefined : topic
    })
  )
  const queues = topics.flatMap(({ partitionIndexes }, index) => {
    const topicId = found[index]?.id
    return topicId === undefined ? [] : partitionIndexes.map((queue) => ({ topicId, queue }))
  })
  const rows = await context.groups.offsets.fetch(groupId, queues)
  let next = 0
  return topics.map(({ name, partitionIndexes }, index) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) =>
      answerOf(partitionIndex, found[index] === undefined ? undefined : rows[next++])
    )
  }))
}

async function allTopics(groupId: string, context: RequestContext): Promise<GroupAnswer['topics']> {
  const byTopic = new Map<string, CommittedOffsetRow[]>()
  for (const row of await context.groups.offsets.fetchAll(groupId)) {
    const rows = byTopic.get(row.topicId)
    if (rows === undefined) byTopic.set(row.topicId, [row])
    else rows.push(row)
  }
  const topics: GroupAnswer['topics'] = []
  for (const [topicId, rows] of byTopic) {
    const topic = await context.topics.findById(topicId)
    if (topic === undefined || topic.system) continue
    rows.sort((a, b) => a.queue - b.queue)
    topics.push({
      name: topic.names.kafka,
      partitions: rows.map((row) => answerOf(row.queue, row))
    })
  }
  return topics
}

function answerOf(partitionIndex: number, row: CommittedOffsetRow | undefined): PartitionAnswer {
  return {
    partitionIndex,
    committedOffset: row?.offset ?? -1,
    committedLeaderEpoch: row?.leaderEpoch ?? -1,
    metadata: row?.metadata ?? '',
    errorCode: errorCodes.NONE
  }
}

/** Version 1: the group's error, if there is one, stands at each partition. */
function topicsWith(
  errorCode: ErrorCode,
  asked: readonly AskedTopic[],
  topics: GroupAnswer['topics']
): GroupAnswer['topics'] {
  if (errorCode === errorCodes.NONE) return topics
  return asked.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => ({ ...answerOf(index, undefined), errorCode }))
  }))
}
