/** The one broker, as routes and message ids tell it. */
import type { Endpoint } from '../broker/addresses.ts'
import { type Host, hostOf, noHost } from '../broker/translate/index.ts'
import type { RequestContext } from './context.ts'

/** Who is told where the broker is. */
type Told = Pick<RequestContext, 'client' | 'addresses' | 'brokerPort'>

/** What clients of this connection are told to dial for the broker, whichever listener they asked. */
export function advertisedBroker(context: Told): Endpoint {
  const { localAddress } = context.client
  const port = context.brokerPort()
  return context.addresses.endpointFor('broker', { address: localAddress, port })
}

/**
 * The same as a store host, in message ids and pulled messages: clients dial it too. A name cannot be written there;
 * then it is the address that the client dialled.
 */
export function storeHost(context: Told): Host {
  const { host, port } = advertisedBroker(context)
  return hostOf(host, port) ?? hostOf(context.client.localAddress, port) ?? noHost
}

/** HOST:PORT as clients parse it; an IPv6 address in brackets, or Go could not dial it. */
export function endpointText({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The id of a master; producers use no other. */
export const masterId = '0'
