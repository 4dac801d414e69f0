/** GET_ALL_PRODUCER_INFO (328): every producer that is connected, by the group that it named. */
import type { Handler } from '../context.ts'
import type { getAllProducerInfoRequest } from '../headers/get-all-producer-info.ts'

export const getAllProducerInfo: Handler<typeof getAllProducerInfoRequest> = (
  _,
  { clients, clock }
) => {
  const monotonicMs = clock.monotonicMs()
  const nowMs = clock.now()
  const groups = [...clients.producerGroups()].map((group) => {
    const all = clients.producers(group).map(({ clientId, connection, heardMs }) => ({
      clientId,
      // With a slash, as Java's addresses have it.
      remoteIP: `/${connection.host}:${connection.port}`,
      language: connection.language,
      version: connection.version,
      lastUpdateTimestamp: Math.round(nowMs - (monotonicMs - heardMs))
    }))
    return [group, all] as const
  })
  return { body: { data: new Map(groups) } }
}
