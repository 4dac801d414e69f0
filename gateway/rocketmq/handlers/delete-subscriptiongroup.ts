/**
 * DELETE_SUBSCRIPTIONGROUP (207): the group's settings, and if asked so where it is. Its retry and dead-letter topics are
 * topics like others, which tools delete next. Members stay members, and their next heartbeat makes the group anew.
 */
import { toKafkaGroupName } from '../../broker/names.ts'
import type { Handler } from '../context.ts'
import type { deleteSubscriptiongroupRequest } from '../headers/delete-subscriptiongroup.ts'
import { refusalOfGroup } from '../other-protocol.ts'

export const deleteSubscriptiongroup: Handler<typeof deleteSubscriptiongroupRequest> = async (
  { header: { groupName, cleanOffset, removeOffset } },
  context
) => {
  const refused = refusalOfGroup(groupName, context)
  if (refused !== undefined) return refused
  const { groups } = context
  const name = toKafkaGroupName(groupName)
  if (!groups.stored.has(name)) return {}
  await groups.configure(name, {})
  if (cleanOffset || removeOffset)
    await groups.offsets.deleteGroup(name, () => !isTaken(name, groups))
  return {}
}

/** Kafka's clients may have come meanwhile. */
function isTaken(name: string, { ownership }: Parameters<typeof refusalOfGroup>[1]['groups']) {
  return ownership.find(name)?.protocol === 'kafka'
}
