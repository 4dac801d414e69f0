/**
 * CreatePartitions, versions 0 to 3. The new partitions can be used when the answer leaves. An assignment may name
 * the one node only. A topic named twice is changed neither time.
 */

import { changesAtOnceMax, mapLimited } from '../../broker/map-limited.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import { distinctBy, repeatsOf } from '../repeats.ts'
import type {
  CreatePartitionsRequest,
  CreatePartitionsResponseInput
} from '../schemas/create-partitions.ts'
import { FaultError, faultOf } from '../topic-faults.ts'

type AskedTopic = CreatePartitionsRequest['topics'][number]
type Answer = CreatePartitionsResponseInput['results'][number]

export const createPartitions: Handler<
  CreatePartitionsRequest,
  CreatePartitionsResponseInput
> = async (request, context) => {
  const repeats = repeatsOf(request.topics.map((topic) => topic.name))
  const distinct = distinctBy(request.topics, (topic) => topic.name)
  const results = await mapLimited(distinct, changesAtOnceMax, (topic) =>
    extend(topic, repeats.has(topic.name), request.validateOnly, context)
  )
  return { results }
}

async function extend(
  asked: AskedTopic,
  isRepeated: boolean,
  checkOnly: boolean,
  context: RequestContext
): Promise<Answer> {
  const { name, count, assignments } = asked
  try {
    if (isRepeated) {
      throw new FaultError(errorCodes.INVALID_REQUEST, 'The topic was named more than once.')
    }
    const topic = await context.topics.findVisible({ kafkaName: name })
    if (topic === undefined) {
      throw new FaultError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'There is no such topic.')
    }
    if (assignments !== null && count > topic.queues.length) {
      checkAssignments(assignments, count - topic.queues.length, context.nodeId)
    }
    await context.topics.setQueueCount(topic.id, count, { checkOnly })
    return { name, errorCode: errorCodes.NONE, errorMessage: null }
  } catch (error) {
    return { name, ...faultOf(error, context) }
  }
}

function checkAssignments(
  assignments: NonNullable<AskedTopic['assignments']>,
  added: number,
  nodeId: number
): void {
  const isRight =
    assignments.length === added &&
    assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === nodeId)
  if (isRight) return
  throw new FaultError(
    errorCodes.INVALID_REPLICA_ASSIGNMENT,
    `Each of the ${added} new partitions can be assigned to node ${nodeId} only.`
  )
}
