/** Addresses as RocketMQ writes them: 4 or 16 bytes of IP, then the port as int32. */

import { copyBytes } from './copy-bytes.ts'

export interface Host {
  /** 4 or 16 bytes. */
  readonly address: Buffer
  /** 0 to 65,535; what other brokers wrote may be any int32. */
  readonly port: number
}

/** Stands for a host that is not known, as of a record that a Kafka client sent. */
export const noHost: Host = { address: Buffer.alloc(4), port: 0 }

export function isIpv6(host: Host): boolean {
  return host.address.length === 16
}

export function hostBytes(host: Host): number {
  return host.address.length + 4
}

/** Returns where the next byte goes. */
export function writeHost(target: Buffer, host: Host, at: number): number {
  return target.writeInt32BE(host.port, copyBytes(target, at, host.address))
}

/** The caller has checked that the bytes are there. The address is a slice. */
export function readHost(bytes: Buffer, ipv6: boolean, at: number): Host {
  const end = at + (ipv6 ? 16 : 4)
  return { address: bytes.subarray(at, end), port: bytes.readInt32BE(end) }
}

/**
 * From an address as sockets print it; `::ffff:` in front of an IPv4 address is stripped, and so is a zone.
 * Undefined for what is no literal address: a DNS name cannot be written here.
 */
export function hostOf(address: string, port: number): Host | undefined {
  let bytes = parsed.get(address)
  if (bytes === undefined) {
    const numbers = address.includes(':') ? ipv6Bytes(address) : ipv4Bytes(address)
    if (numbers === undefined) return undefined
    bytes = Buffer.from(numbers)
    if (parsed.size >= parsedMax) parsed.clear()
    parsed.set(address, bytes)
  }
  return { address: bytes, port }
}

/** Each message asks for the same few: its client's and the broker's. Nobody writes to the bytes. */
const parsed = new Map<string, Buffer>()
const parsedMax = 4096

function ipv4Bytes(text: string): number[] | undefined {
  const parts = text.split('.')
  const all = parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)
  return all && parts.length === 4 ? parts.map(Number) : undefined
}

function ipv6Bytes(text: string): number[] | undefined {
  const [plain = ''] = text.split('%')
  const [head = '', tail, more] = plain.split('::')
  if (more !== undefined) return undefined
  const front = groupBytes(head)
  const back = groupBytes(tail ?? '')
  if (front === undefined || back === undefined) return undefined
  const left = 16 - front.length - back.length
  if (tail === undefined ? left !== 0 : left < 2) return undefined
  const bytes = [...front, ...new Array<number>(left).fill(0), ...back]
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0)
  return mapped && bytes[10] === 255 && bytes[11] === 255 ? bytes.slice(12) : bytes
}

function groupBytes(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (index === groups.length - 1 && group.includes('.')) {
      const last = ipv4Bytes(group)
      if (last === undefined) return undefined
      bytes.push(...last)
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 255)
    } else return undefined
  }
  return bytes
}
