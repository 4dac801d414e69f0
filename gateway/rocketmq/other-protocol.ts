/** A group whose members speak Kafka's protocol is not for RocketMQ's clients meanwhile. */
import { toKafkaGroupName } from '../broker/names.ts'
import { otherProtocol } from './clients/client-table.ts'
import { type Refused, type RocketmqServices, refuse } from './context.ts'
import { responseCodes } from './response-codes.ts'

/** Undefined where a client may act in the group. */
export function refusalOfGroup(
  group: string,
  { groups }: Pick<RocketmqServices, 'groups'>
): Refused | undefined {
  const owner = groups.ownership.find(toKafkaGroupName(group))
  if (owner === undefined || owner.protocol === 'rocketmq') return undefined
  return refuse(responseCodes.NO_PERMISSION, `the group ${group} ${otherProtocol}`)
}
