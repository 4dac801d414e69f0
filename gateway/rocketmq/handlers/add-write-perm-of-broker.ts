/** ADD_WRITE_PERM_OF_BROKER (327): all topics' routes say that they may be read and written, whatever was before. */
import type { Handler } from '../context.ts'
import type { addWritePermOfBrokerRequest } from '../headers/add-write-perm-of-broker.ts'
import { readPerm, writePerm } from '../topic-settings.ts'
import { setRoutePerms } from '../write-perm.ts'

export const addWritePermOfBroker: Handler<typeof addWritePermOfBrokerRequest> = async (
  { header: { brokerName } },
  context
) => {
  const addTopicCount = await setRoutePerms(brokerName, () => readPerm | writePerm, context)
  return { header: { addTopicCount } }
}
