/** GET_PRODUCER_CONNECTION_LIST (204): the live connections of producers that named a group. */
import { type Handler, refuse } from '../context.ts'
import type { getProducerConnectionListRequest } from '../headers/get-producer-connection-list.ts'
import { responseCodes } from '../response-codes.ts'

export const getProducerConnectionList: Handler<typeof getProducerConnectionListRequest> = (
  { header: { producerGroup } },
  { clients }
) => {
  const producers = clients.producers(producerGroup)
  if (producers.length === 0) {
    const remark = `the producer group[${producerGroup}] not exist`
    return refuse(responseCodes.SYSTEM_ERROR, remark)
  }
  const connectionSet = producers.map(({ clientId, connection }) => {
    const { host, port, language, version } = connection
    return { clientId, clientAddr: `${host}:${port}`, language, version }
  })
  return { body: { connectionSet } }
}
