/** RocketMQ's two kinds of message id: where a message is, and what it is called. */
import type { QueueUid, TopicId } from '../../../storage/contract.ts'
import { type Host, hostBytes, isIpv6, readHost, writeHost } from './hosts.ts'
import { type PhysicalPlace, physicalOffsetOf, physicalPlaceOf } from './physical-offset.ts'

/** The msgId of send answers: hex of store host and physical offset, 32 characters, 56 with IPv6. */
export function encodeOffsetId(storeHost: Host, physicalOffset: bigint): string {
  const bytes = Buffer.alloc(hostBytes(storeHost) + 8)
  bytes.writeBigInt64BE(physicalOffset, writeHost(bytes, storeHost, 0))
  return bytes.toString('hex').toUpperCase()
}

export interface OffsetId {
  readonly storeHost: Host
  readonly physicalOffset: bigint
}

/** Undefined for a text that is no such id. */
export function decodeOffsetId(id: string): OffsetId | undefined {
  if (!/^([0-9a-f]{32}|[0-9a-f]{56})$/i.test(id)) return undefined
  const bytes = Buffer.from(id, 'hex')
  const storeHost = readHost(bytes, id.length === 56, 0)
  return { storeHost, physicalOffset: bytes.readBigInt64BE(hostBytes(storeHost)) }
}

/**
 * The UNIQ_KEY of a record that no RocketMQ client sent: 32 hex digits in the shape that clients make
 * (MessageClientIDSetter), from which the record is found again without an index:
 *
 * | bytes | in a client's id | here |
 * |---|---|---|
 * | 4 | IP | first 4 bytes of the topic id |
 * | 2 + 4 | process, class loader | high 48 bits of the physical offset |
 * | 4 | ms since the month began | 0: clients that search from then on search from as early as they can |
 * | 2 | counter | low 16 bits of the physical offset |
 */
export function derivedUniqueKey(topicId: TopicId, queue: QueueUid, offset: number): string {
  const place = physicalOffsetOf(queue, offset).toString(16).padStart(16, '0')
  const key = `${topicId.slice(0, 8)}${place.slice(0, 12)}00000000${place.slice(12)}`
  return key.toUpperCase()
}

export interface DerivedKey extends PhysicalPlace {
  /** How the topic's id begins: a client's own id may look like a derived one. */
  readonly topicIdStart: string
}

/** What a derived key was made from; undefined for other keys (and a client's own key seldom looks like one). */
export function parseDerivedUniqueKey(key: string): DerivedKey | undefined {
  if (!/^[0-9A-F]{20}00000000[0-9A-F]{4}$/.test(key)) return undefined
  const place = physicalPlaceOf(BigInt(`0x${key.slice(8, 20)}${key.slice(28)}`))
  return place && { ...place, topicIdStart: key.slice(0, 8).toLowerCase() }
}

/** For the reader's eye and for logs: `1.2.3.4:10911`, `[::1]:10911`. */
export function hostText(host: Host): string {
  const { address, port } = host
  if (!isIpv6(host)) return `${[...address].join('.')}:${port}`
  const groups = Array.from({ length: 8 }, (_, i) => address.readUInt16BE(i * 2).toString(16))
  return `[${groups.join(':')}]:${port}`
}
