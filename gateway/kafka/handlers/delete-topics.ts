/**
 * DeleteTopics, versions 1 to 6; by name, or by id from version 6 on. Records and committed offsets go with the
 * topic, and are gone when the answer leaves. A topic named twice is deleted neither time. System topics are as
 * good as absent.
 */

import { changesAtOnceMax, mapLimited } from '../../broker/map-limited.ts'
import { zeroUuid } from '../codec/index.ts'
import type { Handler, RequestContext } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import { distinctBy, repeatsOf } from '../repeats.ts'
import type { DeleteTopicsRequest, DeleteTopicsResponseInput } from '../schemas/delete-topics.ts'
import { FaultError, faultOf } from '../topic-faults.ts'

interface AskedTopic {
  readonly name: string | null
  readonly topicId: string
}

type Answer = DeleteTopicsResponseInput['responses'][number]

/** The first version with ids. */
const firstWithIds = 6

export const deleteTopics: Handler<DeleteTopicsRequest, DeleteTopicsResponseInput> = async (
  request,
  context
) => {
  const asked: readonly AskedTopic[] =
    context.version < firstWithIds
      ? request.topicNames.map((name) => ({ name, topicId: zeroUuid }))
      : request.topics
  const repeats = repeatsOf(asked.map(keyOf))
  const responses = await mapLimited(distinctBy(asked, keyOf), changesAtOnceMax, (topic) =>
    deleteOne(topic, repeats.has(keyOf(topic)), context)
  )
  return { responses }
}

async function deleteOne(
  asked: AskedTopic,
  isRepeated: boolean,
  context: RequestContext
): Promise<Answer> {
  try {
    const byName = asked.name !== null
    if (isRepeated) {
      throw new FaultError(errorCodes.INVALID_REQUEST, 'The topic was named more than once.')
    }
    if (byName === (asked.topicId !== zeroUuid)) {
      throw new FaultError(errorCodes.INVALID_REQUEST, 'Either a name or an id is needed.')
    }
    const topic = await context.topics.findVisible(
      asked.name !== null ? { kafkaName: asked.name } : { id: asked.topicId }
    )
    if (topic === undefined) {
      throw byName
        ? new FaultError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'There is no such topic.')
        : new FaultError(errorCodes.UNKNOWN_TOPIC_ID, 'There is no topic with that id.')
    }
    await context.topics.delete(topic.id)
    return { name: topic.names.kafka, topicId: topic.id, errorCode: errorCodes.NONE }
  } catch (error) {
    return { name: asked.name, topicId: asked.topicId, ...faultOf(error, context) }
  }
}

function keyOf(topic: AskedTopic): string {
  return `${topic.topicId}${topic.name === null ? '' : `/${topic.name}`}`
}
