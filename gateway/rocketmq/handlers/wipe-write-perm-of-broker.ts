/** WIPE_WRITE_PERM_OF_BROKER (205): producers that look for a route find no queue to send to. */
import type { Handler } from '../context.ts'
import type { wipeWritePermOfBrokerRequest } from '../headers/wipe-write-perm-of-broker.ts'
import { writePerm } from '../topic-settings.ts'
import { setRoutePerms } from '../write-perm.ts'

export const wipeWritePermOfBroker: Handler<typeof wipeWritePermOfBrokerRequest> = async (
  { header: { brokerName } },
  context
) => {
  const wipeTopicCount = await setRoutePerms(brokerName, (perm) => perm & ~writePerm, context)
  return { header: { wipeTopicCount } }
}
