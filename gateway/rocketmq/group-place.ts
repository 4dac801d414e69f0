/** Storing where a consumer group is, in the one table of committed offsets. */
import type { TopicId } from '../../storage/contract.ts'
import { stateKeys } from '../../storage/index.ts'
import { rocketmqGroupNameFault, toKafkaGroupName } from '../broker/names.ts'
import { ParameterError } from './codec/index.ts'
import type { RequestContext } from './context.ts'

/**
 * Resolves when it is as durable as the flush mode has it. Throws ParameterError for a group's name that is none, rejects
 * with StoreError.
 */
export async function commitPlace(
  group: string,
  topicId: TopicId,
  queue: number,
  offset: number,
  { groups }: Pick<RequestContext, 'groups'>
): Promise<void> {
  if (rocketmqGroupNameFault(group) !== undefined) {
    throw new ParameterError(`the group ${group} has a name that no group may have`)
  }
  const entry = { topicId, queue, offset, leaderEpoch: -1, metadata: '' }
  await groups.offsets.commit(toKafkaGroupName(group), [entry])
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
