/**
 * Metadata, versions 0 to 13. One node, which leads every partition and is the controller. A topic that does not
 * exist is made before the answer where the request and the server's policy allow it: Kafka answers error 3 and
 * makes it later, which several clients take for the end. The answer for all topics has no error in it: one would
 * break every call of some clients. System topics are as good as absent. Rights, where asked for, are all there
 * are.
 */
import type { Topic } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import { changesAtOnceMax, mapLimited } from '../../broker/map-limited.ts'
import { isKafkaTopicName } from '../../broker/names.ts'
import { zeroUuid } from '../codec/index.ts'
import type { Handler, RequestContext } from '../context.ts'
import { type ErrorCode, errorCodes } from '../error-codes.ts'
import { distinctBy } from '../repeats.ts'
import type { MetadataRequest, MetadataResponseInput } from '../schemas/metadata.ts'
import {
  advertisedEndpoint,
  allClusterOperations,
  allTopicOperations,
  leaderEpochsOf,
  operationsNotAsked
} from '../this-node.ts'
import { faultOf } from '../topic-faults.ts'

type AskedTopic = NonNullable<MetadataRequest['topics']>[number]
type AnsweredTopic = MetadataResponseInput['topics'][number]

/** The first version in which topics may be asked for by id. */
const firstWithIds = 12

export const metadata: Handler<MetadataRequest, MetadataResponseInput> = async (
  request,
  context
) => {
  const topics = await answeredTopics(request, context)
  return {
    brokers: [{ nodeId: context.nodeId, ...advertisedEndpoint(context) }],
    clusterId: context.clusterId,
    controllerId: context.nodeId,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? allClusterOperations
      : operationsNotAsked,
    errorCode: errorCodes.NONE
  }
}

async function answeredTopics(
  request: MetadataRequest,
  context: RequestContext
): Promise<AnsweredTopic[]> {
  const { topics: asked } = request
  // Version 0 knows no null: an empty list is all topics there.
  if (asked === null || (context.version === 0 && asked.length === 0)) {
    const topics = await context.topics.list()
    const answered = await Promise.all(topics.map((topic) => found(topic, request, context)))
    return answered.filter((topic) => topic !== undefined)
  }
  // Ids were told by version 10 and 11, but could not be asked by: Kafka refuses such a request as a whole.
  if (context.version < firstWithIds && asked.some((topic) => !isNamedOnly(topic))) {
    return asked.map(({ name, topicId }) =>
      missing({ name: name ?? '', topicId }, errorCodes.INVALID_REQUEST)
    )
  }
  return mapLimited(distinctBy(asked, keyOf), changesAtOnceMax, (topic) =>
    answerOne(topic, request, context)
  )
}

async function answerOne(
  asked: AskedTopic,
  request: MetadataRequest,
  context: RequestContext
): Promise<AnsweredTopic> {
  if (asked.name === null || asked.topicId !== zeroUuid) {
    const topic = await context.topics.findVisible({ id: asked.topicId })
    const answer = topic && (await found(topic, request, context))
    return answer ?? missing({ ...asked, name: null }, errorCodes.UNKNOWN_TOPIC_ID)
  }
  try {
    const topic = await context.topics.findOrCreate(asked.name, request.allowAutoTopicCreation)
    const answer = topic && (await found(topic, request, context))
    return answer ?? missing(asked, errorForMissing(asked.name))
  } catch (error) {
    const { errorCode } = faultOf(error, context)
    // What the store could not do now it may do later: this is what every client asks again after.
    const isPassing = error instanceof StoreError
    return missing(asked, isPassing ? errorCodes.LEADER_NOT_AVAILABLE : errorCode)
  }
}

function errorForMissing(name: string): ErrorCode {
  return isKafkaTopicName(name)
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.INVALID_TOPIC_EXCEPTION
}

async function found(
  topic: Topic,
  request: MetadataRequest,
  context: RequestContext
): Promise<AnsweredTopic | undefined> {
  const epochs = await leaderEpochsOf(topic, context)
  if (epochs === undefined) return undefined
  return {
    errorCode: errorCodes.NONE,
    name: topic.names.kafka,
    topicId: topic.id,
    isInternal: false,
    partitions: epochs.map((leaderEpoch, partitionIndex) => ({
      errorCode: errorCodes.NONE,
      partitionIndex,
      leaderId: context.nodeId,
      leaderEpoch,
      replicaNodes: [context.nodeId],
      isrNodes: [context.nodeId],
      offlineReplicas: []
    })),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations
      ? allTopicOperations
      : operationsNotAsked
  }
}

function missing(asked: AskedTopic, errorCode: ErrorCode): AnsweredTopic {
  return {
    errorCode,
    name: asked.name,
    topicId: asked.topicId,
    isInternal: false,
    partitions: []
  }
}

function isNamedOnly(topic: AskedTopic): boolean {
  return topic.name !== null && topic.topicId === zeroUuid
}

/** Each topic is answered once, however often it is asked for. */
function keyOf(topic: AskedTopic): string {
  return `${topic.topicId}${topic.name}`
}
