/**
 * OffsetDelete, version 0 (KIP-496): committed offsets of topics that the group's members do not read. A group with
 * members that are no consumers cannot say what it reads: 68.
 */
import type { QueueKey } from '../../broker/groups/index.ts'
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import { consumerProtocolType, topicsOf } from '../groups/subscription.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponseInput } from '../schemas/offset-delete.ts'
import { groupErrorFor } from './group-store-errors.ts'

export const offsetDelete: Handler<OffsetDeleteRequest, OffsetDeleteResponseInput> = async (
  request,
  context
) => {
  const refusal = refusalOf(request.groupId, context)
  if (refusal !== errorCodes.NONE) return { errorCode: refusal, topics: [] }
  const doomed: QueueKey[] = []
  const topics: OffsetDeleteResponseInput['topics'][number][] = []
  for (const { name, partitions } of request.topics) {
    const topic = await context.topics.findByName(name)
    const queueCount = topic === undefined || topic.system ? 0 : topic.queues.length
    const isRead = isSubscribed(request.groupId, name, context)
    const answers = partitions.map(({ partitionIndex }) => {
      let errorCode: ErrorCode = errorCodes.NONE
      if (topic === undefined || partitionIndex < 0 || partitionIndex >= queueCount) {
        errorCode = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      } else if (isRead) {
        errorCode = errorCodes.GROUP_SUBSCRIBED_TO_TOPIC
      } else {
        doomed.push({ topicId: topic.id, queue: partitionIndex })
      }
      return { partitionIndex, errorCode }
    })
    topics.push({ name, partitions: answers })
  }
  try {
    await context.groups.offsets.deleteOffsets(request.groupId, doomed)
  } catch (error) {
    return { errorCode: groupErrorFor(error, context), topics: [] }
  }
  return { errorCode: errorCodes.NONE, topics }
}

function refusalOf(groupId: string, { groups }: RequestContext): ErrorCode {
  if (!groups.exists(groupId)) return errorCodes.GROUP_ID_NOT_FOUND
  const live = groups.coordinator.find(groupId)
  const isEmpty = live === undefined || live.state === 'Empty'
  if (isEmpty) return groups.isOccupied(groupId) ? errorCodes.NON_EMPTY_GROUP : errorCodes.NONE
  return live.protocolType === consumerProtocolType ? errorCodes.NONE : errorCodes.NON_EMPTY_GROUP
}

/** Members whose subscription cannot be read are taken to read everything. */
function isSubscribed(groupId: string, topic: string, { groups }: RequestContext): boolean {
  const live = groups.coordinator.find(groupId)
  if (live === undefined || live.members.size === 0) return false
  return topicsOf(live)?.has(topic) ?? true
}
