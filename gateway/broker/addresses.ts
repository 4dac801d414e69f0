/**
 * What clients are told to connect to. By default the address that they dialled, which is the accepted socket's own
 * local one; `--advertise` maps it. One map for every listener, so that no two answers contradict each other.
 */
import { isIP } from 'node:net'

export const listenerRoles = ['kafka', 'namesrv', 'broker', 'grpc'] as const
export type ListenerRole = (typeof listenerRoles)[number]

export interface Endpoint {
  /** A host name or an IP address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/** The accepted socket's own end. */
export interface LocalAddress {
  readonly address: string
  readonly port: number
}

/** One `--advertise`. */
export interface AdvertiseRule {
  /** Absent: for every listener. */
  readonly role?: ListenerRole
  readonly host: string
  /** Absent: the port that was dialled. Without a role it is the Kafka listener's. */
  readonly port?: number
  /** Only for connections that were accepted at this IP address. */
  readonly localAddress?: string
}

/** The text of an `--advertise` that makes no sense; one line for the operator. */
export class AdvertiseError extends Error {
  constructor(text: string, reason: string) {
    super(
      `--advertise ${text}: ${reason} ` +
        '(it is [kafka|namesrv|broker|grpc=]HOST[:PORT][@LOCAL-ADDRESS], IPv6 in brackets)'
    )
    this.name = 'AdvertiseError'
  }
}

/** At most so many rules: each connection looks through them. */
export const advertiseRulesMax = 64

/** Parses `[kafka|namesrv|broker|grpc=]HOST[:PORT][@LOCAL-ADDRESS]`. Throws AdvertiseError. */
export function parseAdvertise(text: string): AdvertiseRule {
  const parts = /^(?:([^=@]*)=)?([^@]*)(?:@([^@]*))?$/.exec(text.trim())
  if (parts === null) throw new AdvertiseError(text, 'there may be one @ only')
  const [, role, place = '', local] = parts
  if (role !== undefined && !isListenerRole(role)) {
    throw new AdvertiseError(text, `there is no listener '${role}'`)
  }
  return {
    ...(role === undefined ? {} : { role }),
    ...parsePlace(text, place),
    ...(local === undefined ? {} : { localAddress: parseLocalAddress(text, local) })
  }
}

/** Answers which endpoint a client of a listener is told. */
export class AddressMap {
  readonly #rules: readonly AdvertiseRule[]

  /** Throws AdvertiseError where two rules are for the same connections. */
  constructor(rules: readonly AdvertiseRule[] = []) {
    if (rules.length > advertiseRulesMax) {
      throw new AdvertiseError('', `there are ${rules.length}, at most ${advertiseRulesMax} may be`)
    }
    const seen = new Set<string>()
    for (const rule of rules) {
      const key = `${rule.role ?? ''}@${rule.localAddress ?? ''}`
      if (seen.has(key)) {
        throw new AdvertiseError(
          rule.host,
          'another one is for the same listener and local address'
        )
      }
      seen.add(key)
    }
    // The most specific rule first: a local address says more than a listener.
    this.#rules = [...rules].sort((a, b) => specificity(b) - specificity(a))
  }

  /** `local`: the accepted socket's own end. */
  endpointFor(role: ListenerRole, local: LocalAddress): Endpoint {
    const address = plainAddress(local.address)
    const matching = this.#rules.filter(
      (rule) =>
        (rule.role === undefined || rule.role === role) &&
        (rule.localAddress === undefined || rule.localAddress === address)
    )
    const rule = matching[0]
    if (rule === undefined) return { host: address, port: local.port }
    const isPortMeant = rule.role !== undefined || role === 'kafka'
    return { host: rule.host, port: (isPortMeant ? rule.port : undefined) ?? local.port }
  }
}

/** An address as clients may be told it: IPv4 in IPv6's clothes (`::ffff:10.0.0.1`) as IPv4. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped?.[1] ?? canonicalAddress(address)
}

function specificity(rule: AdvertiseRule): number {
  return (rule.localAddress === undefined ? 0 : 2) + (rule.role === undefined ? 0 : 1)
}

function isListenerRole(text: string): text is ListenerRole {
  return (listenerRoles as readonly string[]).includes(text)
}

function parsePlace(text: string, place: string): { host: string; port?: number } {
  if (isIP(place) === 6) return { host: checkHost(text, place) }
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(place)
  if (parts === null) throw new AdvertiseError(text, 'an IPv6 address with a port needs brackets')
  const [, bracketed, bare, portText] = parts
  if (bracketed !== undefined && isIP(bracketed) !== 6) {
    throw new AdvertiseError(text, `'${bracketed}' is no IPv6 address`)
  }
  const host = checkHost(text, bracketed ?? bare ?? '')
  if (portText === undefined) return { host }
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 65_535) {
    throw new AdvertiseError(text, `'${portText}' is no port between 1 and 65535`)
  }
  return { host, port }
}

function checkHost(text: string, host: string): string {
  if (host === '') throw new AdvertiseError(text, 'the host is missing')
  if (isIP(host) === 0 && !isHostName(host)) {
    throw new AdvertiseError(text, `'${host}' is neither a host name nor an IP address`)
  }
  if (isWildcard(host)) {
    throw new AdvertiseError(text, `no client can connect to '${host}'`)
  }
  return host
}

/** RFC 1123, with the underscore that container names have. All digits and dots would be an address gone wrong. */
function isHostName(host: string): boolean {
  return (
    host.length <= 253 &&
    !/^[\d.]+$/.test(host) &&
    /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i.test(
      host
    )
  )
}

function parseLocalAddress(text: string, local: string): string {
  const address = /^\[.*\]$/.test(local) ? local.slice(1, -1) : local
  if (isIP(address) === 0) {
    throw new AdvertiseError(text, `the local address '${local}' is no IP address`)
  }
  if (isWildcard(address)) {
    throw new AdvertiseError(text, `no connection is accepted at '${local}'`)
  }
  return plainAddress(address)
}

function isWildcard(address: string): boolean {
  const plain = plainAddress(address)
  return plain === '0.0.0.0' || plain === '::'
}

/** One spelling for each IPv6 address, as sockets report it. */
function canonicalAddress(address: string): string {
  const zoneStart = address.indexOf('%')
  const bare = zoneStart < 0 ? address : address.slice(0, zoneStart)
  if (isIP(bare) !== 6) return address
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  return canonical + (zoneStart < 0 ? '' : address.slice(zoneStart))
}
