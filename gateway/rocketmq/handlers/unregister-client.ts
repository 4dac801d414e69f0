/** UNREGISTER_CLIENT (35): a client leaves a group. Closing the connection does the same for all of its groups. */
import type { Handler } from '../context.ts'
import type { unregisterClientRequest } from '../headers/unregister-client.ts'

export const unregisterClient: Handler<typeof unregisterClientRequest> = (
  { header: { clientID, consumerGroup, producerGroup } },
  { clients, client }
) => {
  clients.leave(client, clientID, consumerGroup, producerGroup)
  return {}
}
