/**
 * DescribeTopicPartitions, version 0. Every topic asked for is answered, once, by name; an answer that would have
 * more partitions than the request or this server allows ends with a cursor. A client that misses a topic asks for
 * ever, one that gets a foreign topic breaks (KafkaAdminClient). No topics named: all. Eligible leaders beyond the
 * one node (KIP-966) there are none.
 */
import type { Topic } from '../../../storage/contract.ts'
import { isKafkaTopicName } from '../../broker/names.ts'
import { zeroUuid } from '../codec/index.ts'
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import type {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponseInput
} from '../schemas/describe-topic-partitions.ts'
import { allTopicOperations, leaderEpochsOf } from '../this-node.ts'

/** Kafka's max.request.partition.size.limit. */
const partitionsPerAnswerMax = 2000

type AnsweredTopic = DescribeTopicPartitionsResponseInput['topics'][number]

export const describeTopicPartitions: Handler<
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponseInput
> = async (request, context) => {
  const { cursor } = request
  const names = (await askedNames(request, context)).filter(
    (name) => cursor === null || name >= cursor.topicName
  )
  const topics: AnsweredTopic[] = []
  let room = Math.max(1, Math.min(request.responsePartitionLimit, partitionsPerAnswerMax))
  for (const name of names) {
    const first = cursor?.topicName === name ? Math.max(0, cursor.partitionIndex) : 0
    const topic = await context.topics.findVisible({ kafkaName: name })
    const epochs = topic && (await leaderEpochsOf(topic, context))
    if (topic === undefined || epochs === undefined) {
      topics.push(missing(name))
      continue
    }
    if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } }
    const last = Math.min(epochs.length, first + room)
    topics.push(described(topic, epochs, first, last, context))
    room -= Math.max(0, last - first)
    if (last < epochs.length) {
      return { topics, nextCursor: { topicName: name, partitionIndex: last } }
    }
  }
  return { topics, nextCursor: null }
}

/** In the order that cursors follow. */
async function askedNames(
  request: DescribeTopicPartitionsRequest,
  context: RequestContext
): Promise<string[]> {
  const names =
    request.topics.length > 0
      ? new Set(request.topics.map((topic) => topic.name))
      : (await context.topics.list()).map((topic) => topic.names.kafka)
  return [...names].sort()
}

function described(
  topic: Topic,
  epochs: readonly number[],
  first: number,
  end: number,
  context: RequestContext
): AnsweredTopic {
  return {
    errorCode: errorCodes.NONE,
    name: topic.names.kafka,
    topicId: topic.id,
    partitions: epochs.slice(first, end).map((leaderEpoch, index) => ({
      errorCode: errorCodes.NONE,
      partitionIndex: first + index,
      leaderId: context.nodeId,
      leaderEpoch,
      replicaNodes: [context.nodeId],
      isrNodes: [context.nodeId],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: []
    })),
    topicAuthorizedOperations: allTopicOperations
  }
}

function missing(name: string): AnsweredTopic {
  const errorCode: ErrorCode = isKafkaTopicName(name)
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.INVALID_TOPIC_EXCEPTION
  return { errorCode, name, topicId: zeroUuid, partitions: [] }
}
