/** The one node, and the partitions that it leads, as metadata answers tell them. */
import type { Topic } from '../../storage/contract.ts'
import type { Endpoint } from '../broker/addresses.ts'
import type { RequestContext } from './context.ts'

/** What clients of this connection are told to dial. */
export function advertisedEndpoint(context: RequestContext): Endpoint {
  const { localAddress, localPort } = context.client
  return context.addresses.endpointFor('kafka', { address: localAddress, port: localPort })
}

/**
 * The leader epoch of each partition of a topic. Undefined if the topic was deleted meanwhile. An epoch is told
 * wherever a version can: once told and then withheld, it would keep some clients from consuming (KIP-320).
 */
export async function leaderEpochsOf(
  topic: Topic,
  context: RequestContext
): Promise<readonly number[] | undefined> {
  const ends = await context.engine.endsOf(topic.queues)
  const epochs: number[] = []
  for (const end of ends) {
    if (end === undefined) return undefined
    epochs.push(end.leaderEpoch)
  }
  return epochs
}

/** Rights that were not asked for. 0 would say that there are none. */
export const operationsNotAsked = -2_147_483_648
/** All that may be done with a topic (AclEntry.supportedOperations), one bit each. */
export const allTopicOperations = 3576
/** All that may be done with the cluster. */
export const allClusterOperations = 8096
