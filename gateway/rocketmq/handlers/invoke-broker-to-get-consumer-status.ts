/**
 * INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223): where each consumer of a group is in a topic, as it says itself (221).
 * Who does not say so in time is left out.
 */
import { PushError } from '../client-connection.ts'
import type { Member } from '../clients/consumer-group.ts'
import { ParameterError } from '../codec/index.ts'
import { type Handler, refuse } from '../context.ts'
import { getConsumerStatusFromClientRequest } from '../headers/get-consumer-status-from-client.ts'
import type { invokeBrokerToGetConsumerStatusRequest } from '../headers/invoke-broker-to-get-consumer-status.ts'
import { responseCodes } from '../response-codes.ts'

export const invokeBrokerToGetConsumerStatus: Handler<
  typeof invokeBrokerToGetConsumerStatusRequest
> = async ({ header: { topic, group, clientAddr: wanted = '' } }, { clients, limits }) => {
  const members = [...(clients.consumerGroup(group)?.members ?? [])]
  if (members.length === 0) {
    const remark = `No Any Consumer online in the consumer group: [${group}]`
    return refuse(responseCodes.SYSTEM_ERROR, remark)
  }
  const ask = async ({ clientId, connection }: Member) => {
    const pushed = { header: { topic, group }, body: undefined }
    const request = getConsumerStatusFromClientRequest
    try {
      const answer = await connection.ask(request, pushed, limits.clientAnswerMsMax)
      if (answer.code !== responseCodes.SUCCESS) return undefined
      return [clientId, answer.body().messageQueueTable] as const
    } catch (error) {
      if (error instanceof PushError || error instanceof ParameterError) return undefined
      throw error
    }
  }
  const asked = members.filter(({ clientId }) => wanted === '' || wanted === clientId)
  const told = (await Promise.all(asked.map(ask))).filter((one) => one !== undefined)
  return { body: { consumerTable: new Map(told), messageQueueTable: [] } }
}
