/**
 * CreateTopics, versions 2 to 7. A topic can be used when the answer leaves. -1 partitions or replicas are the
 * server's defaults in every version. One node keeps one copy: a higher replication factor is taken, and reported
 * as 1, since many programs ask for 3 whatever the cluster (Kafka refuses it with error 38). Assignments may name
 * the one node only. A topic named twice is made neither time. Settings of older versions are dropped
 * (docs/kafka.md).
 */
import type { Topic } from '../../../storage/contract.ts'
import { changesAtOnceMax, mapLimited } from '../../broker/map-limited.ts'
import { topicNamesFromKafka } from '../../broker/names.ts'
import { TopicError } from '../../broker/topic-errors.ts'
import { checkKafkaTopicName } from '../../broker/topics.ts'
import { zeroUuid } from '../codec/index.ts'
import { configSourceOf } from '../config-resources.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import { distinctBy, repeatsOf } from '../repeats.ts'
import type { CreateTopicsRequest, CreateTopicsResponseInput } from '../schemas/create-topics.ts'
import { FaultError, faultOf } from '../topic-faults.ts'

type AskedTopic = CreateTopicsRequest['topics'][number]
type Answer = CreateTopicsResponseInput['topics'][number]

/** Of partitions and of replicas: as the server has it. */
const asServerHasIt = -1

export const createTopics: Handler<CreateTopicsRequest, CreateTopicsResponseInput> = async (
  request,
  context
) => {
  const repeats = repeatsOf(request.topics.map((topic) => topic.name))
  const distinct = distinctBy(request.topics, (topic) => topic.name)
  const topics = await mapLimited(distinct, changesAtOnceMax, (topic) =>
    createOne(topic, repeats.has(topic.name), request.validateOnly, context)
  )
  return { topics }
}

async function createOne(
  asked: AskedTopic,
  isRepeated: boolean,
  checkOnly: boolean,
  context: RequestContext
): Promise<Answer> {
  const { name } = asked
  try {
    if (isRepeated) {
      throw new FaultError(errorCodes.INVALID_REQUEST, 'The topic was named more than once.')
    }
    checkKafkaTopicName(name)
    // Whoever asks for a topic that exists is told so first, whatever else is wrong.
    if ((await context.topics.findVisible({ kafkaName: name })) !== undefined) {
      throw new TopicError('topic-exists', name, 'a topic of that name exists')
    }
    const count = partitionCount(asked, context.nodeId)
    const topic = await context.topics.create(
      {
        names: topicNamesFromKafka(name),
        ...(count === asServerHasIt ? {} : { queueCount: count }),
        config: Object.fromEntries(asked.configs.map((config) => [config.name, config.value]))
      },
      { checkOnly }
    )
    return created(topic, checkOnly, context)
  } catch (error) {
    return { name, topicId: zeroUuid, ...faultOf(error, context), configs: [] }
  }
}

/** How many partitions, or `asServerHasIt`. Throws FaultError. */
function partitionCount(asked: AskedTopic, nodeId: number): number {
  const { assignments, numPartitions, replicationFactor } = asked
  if (assignments.length > 0) {
    if (numPartitions !== asServerHasIt || replicationFactor !== asServerHasIt) {
      throw new FaultError(
        errorCodes.INVALID_REQUEST,
        'With assignments the number of partitions and the replication factor must be -1.'
      )
    }
    checkAssignments(assignments, nodeId)
    return assignments.length
  }
  if (replicationFactor < 1 && replicationFactor !== asServerHasIt) {
    throw new FaultError(
      errorCodes.INVALID_REPLICATION_FACTOR,
      'The replication factor must be 1 or more, or -1 for the default.'
    )
  }
  if (numPartitions < 1 && numPartitions !== asServerHasIt) {
    throw new FaultError(
      errorCodes.INVALID_PARTITIONS,
      'The number of partitions must be 1 or more, or -1 for the default.'
    )
  }
  return numPartitions
}

function checkAssignments(assignments: AskedTopic['assignments'], nodeId: number): void {
  const indexes = new Set(assignments.map((assignment) => assignment.partitionIndex))
  for (const { partitionIndex, brokerIds } of assignments) {
    const isConsecutive = partitionIndex >= 0 && partitionIndex < indexes.size
    if (indexes.size !== assignments.length || !isConsecutive) {
      throw new FaultError(
        errorCodes.INVALID_REPLICA_ASSIGNMENT,
        'Partitions must be numbered from 0 on, each once.'
      )
    }
    if (brokerIds.length !== 1 || brokerIds[0] !== nodeId) {
      throw new FaultError(
        errorCodes.INVALID_REPLICA_ASSIGNMENT,
        `Partition ${partitionIndex} can be assigned to node ${nodeId} only.`
      )
    }
  }
}

function created(topic: Topic, checkOnly: boolean, context: RequestContext): Answer {
  return {
    name: topic.names.kafka,
    topicId: checkOnly ? zeroUuid : topic.id,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    numPartitions: topic.queues.length,
    replicationFactor: 1,
    configs: context.config.describeTopicConfig(topic.config).map((setting) => ({
      name: setting.name,
      value: setting.value,
      readOnly: false,
      configSource: configSourceOf[setting.source],
      isSensitive: false
    }))
  }
}
