/** GET_CONSUMER_LIST_BY_GROUP (38): the members, the same list for each of them. */
import { type Handler, refuse } from '../context.ts'
import type { getConsumerListByGroupRequest } from '../headers/get-consumer-list-by-group.ts'
import { refusalOfGroup } from '../other-protocol.ts'
import { responseCodes } from '../response-codes.ts'

export const getConsumerListByGroup: Handler<typeof getConsumerListByGroupRequest> = (
  { header: { consumerGroup } },
  context
) => {
  const refusal = refusalOfGroup(consumerGroup, context)
  if (refusal !== undefined) return refusal
  const group = context.clients.consumerGroup(consumerGroup)
  if (group === undefined) {
    return refuse(responseCodes.SYSTEM_ERROR, `no consumer for this group, ${consumerGroup}`)
  }
  return { body: { consumerIdList: group.clientIds } }
}
