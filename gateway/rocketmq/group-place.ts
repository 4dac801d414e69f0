/** Storing where a consumer group is, in the one table of committed offsets. */
import type { TopicId } from '../../storage/contract.ts'
import { stateKeys } from '../../storage/index.ts'
import { rocketmqGroupNameFault, toKafkaGroupName } from '../broker/names.ts'
import { ParameterError } from './codec/index.ts'
import type { RequestContext } from './context.ts'

/** A group's place in a queue: the next offset to consume. */
export interface QueuePlace {
  readonly topicId: TopicId
  readonly queue: number
  readonly offset: number
}

/**
 * Resolves when it is as durable as the flush mode has it. Throws ParameterError for a group's name that is none, rejects
 * with StoreError.
 */
export async function commitPlace(
  group: string,
  topicId: TopicId,
  queue: number,
  offset: number,
  context: Pick<RequestContext, 'groups'>
): Promise<void> {
  await commitPlaces(group, [{ topicId, queue, offset }], context)
}

/** The same for several queues, together. */
export async function commitPlaces(
  group: string,
  places: readonly QueuePlace[],
  { groups }: Pick<RequestContext, 'groups'>
): Promise<void> {
  if (rocketmqGroupNameFault(group) !== undefined) {
    throw new ParameterError(`the group ${group} has a name that no group may have`)
  }
  const entries = places.map((place) => ({ ...place, leaderEpoch: -1, metadata: '' }))
  await groups.offsets.commit(toKafkaGroupName(group), entries)
}

/** The same for a pull, which says the same place again and again: then nothing is stored. */
export async function commitPulledPlace(
  group: string,
  topicId: TopicId,
  queue: number,
  offset: number,
  context: Pick<RequestContext, 'groups' | 'engine'>
): Promise<void> {
  const key = stateKeys.committedOffset(toKafkaGroupName(group), topicId, queue)
  const stored = await context.engine.readState(key)
  if (stored?.row.offset === offset) return
  await commitPlace(group, topicId, queue, offset, context)
}
