/** Storing where a consumer group is, in the one table of committed offsets. */
import type { TopicId } from '../../storage/contract.ts'
import type { OffsetEntry } from '../broker/groups/index.ts'
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
  checkGroup(group)
  await groups.offsets.commit(toKafkaGroupName(group), places.map(entryOf))
}

/**
 * What a pull says in passing, again and again: nobody waits for it, as a real broker keeps it in memory for a while.
 * Throws ParameterError as above.
 */
export function notePulledPlace(
  group: string,
  place: QueuePlace,
  { groups }: Pick<RequestContext, 'groups'>
): void {
  checkGroup(group)
  groups.offsets.commitSoon(toKafkaGroupName(group), entryOf(place))
}

function entryOf(place: QueuePlace): OffsetEntry {
  return { ...place, leaderEpoch: -1, metadata: '' }
}

function checkGroup(group: string): void {
  if (rocketmqGroupNameFault(group) === undefined) return
  throw new ParameterError(`the group ${group} has a name that no group may have`)
}
