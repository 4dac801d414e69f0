/**
 * The header `rmq`, the last one of every record that a RocketMQ client sent: what of the message has no place of its
 * own in a record. Big endian; on disk and seen by Kafka clients: do not change, raise the version.
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 1 | version | 1 |
 * | 1 | 1 | bits | 1 the last separator was there, 2 IPv6, 4 raw properties, 8 born timestamp |
 * | 2 | 4 | flag | the user's |
 * | 6 | 4 | sysFlag | as sent, without the bits of the hosts (0x30) |
 * | 10 | 4 | reconsume times | |
 * | 14 | 8 | prepared transaction offset | |
 * | 22 | 8 or 20 | born host | IP, then port as int32 |
 * | | 0 or 8 | born timestamp | ms, where a record's timestamp cannot hold it |
 * | | rest | raw properties | where the record's headers do not make the same bytes again |
 */
import { approximateInt64, writeApproximateInt64 } from '../../../storage/batch/int64.ts'
import { equalsAt } from './copy-bytes.ts'
import { type Host, hostBytes, isIpv6, readHost, writeHost } from './hosts.ts'

export const rmqHeaderName = Buffer.from('rmq')
const version = 1
const endsSeparatedBit = 1
const ipv6Bit = 2
const rawBit = 4
const bornTimestampBit = 8
const knownBits = 15
const hostFlags = 0x30
const fixedBytes = 22
const sysFlagAt = 6

export interface RmqFields {
  readonly flag: number
  readonly sysFlag: number
  readonly reconsumeTimes: number
  readonly preparedOffset: bigint
  readonly bornHost: Host
  readonly endsSeparated: boolean
  /** ms; undefined where the record's timestamp is it. */
  readonly bornTimestampMs: number | undefined
  readonly rawProperties: Buffer | undefined
}

export function encodeRmqHeader(fields: RmqFields): Buffer {
  const { bornHost, bornTimestampMs, rawProperties } = fields
  const timestampBytes = bornTimestampMs === undefined ? 0 : 8
  const rawBytes = rawProperties?.length ?? 0
  const bytes = Buffer.allocUnsafe(fixedBytes + hostBytes(bornHost) + timestampBytes + rawBytes)
  let bits = fields.endsSeparated ? endsSeparatedBit : 0
  if (isIpv6(bornHost)) bits |= ipv6Bit
  if (rawProperties !== undefined) bits |= rawBit
  if (bornTimestampMs !== undefined) bits |= bornTimestampBit
  bytes[0] = version
  bytes[1] = bits
  bytes.writeInt32BE(fields.flag, 2)
  bytes.writeInt32BE(fields.sysFlag & ~hostFlags, sysFlagAt)
  bytes.writeInt32BE(fields.reconsumeTimes, 10)
  bytes.writeBigInt64BE(fields.preparedOffset, 14)
  let at = writeHost(bytes, bornHost, fixedBytes)
  if (bornTimestampMs !== undefined) {
    writeApproximateInt64(bytes, at, bornTimestampMs)
    at += 8
  }
  rawProperties?.copy(bytes, at)
  return bytes
}

/** Undefined for what this version did not write in `bytes[start, end)`. Never throws; raw properties are a slice. */
export function decodeRmqHeader(
  bytes: Buffer,
  start = 0,
  end = bytes.length
): RmqFields | undefined {
  const length = end - start
  if (length === lastHeader.length && equalsAt(bytes, start, lastHeader)) return lastFields
  const bits = bytes[start + 1] ?? 0
  if (bytes[start] !== version || bits > knownBits || length < fixedBytes + 8) return undefined
  if ((bits & rawBit) !== 0) return fieldsIn(bytes.subarray(start, end), bits)
  // The address stays a slice of this, not of what may be a large block.
  const header = Buffer.from(bytes.subarray(start, end))
  const fields = fieldsIn(header, bits)
  if (fields !== undefined) [lastHeader, lastFields] = [header, fields]
  return fields
}

/** Messages that follow each other are mostly one client's, with the same header but for raw properties. */
let lastHeader = Buffer.alloc(0)
let lastFields: RmqFields | undefined

function fieldsIn(bytes: Buffer, bits: number): RmqFields | undefined {
  const ipv6 = (bits & ipv6Bit) !== 0
  const timed = (bits & bornTimestampBit) !== 0
  const raw = (bits & rawBit) !== 0
  const end = fixedBytes + (ipv6 ? 20 : 8) + (timed ? 8 : 0)
  if (raw ? bytes.length < end : bytes.length !== end) return undefined
  return {
    flag: bytes.readInt32BE(2),
    sysFlag: bytes.readInt32BE(sysFlagAt),
    reconsumeTimes: bytes.readInt32BE(10),
    preparedOffset: bytes.readBigInt64BE(14),
    bornHost: readHost(bytes, ipv6, fixedBytes),
    endsSeparated: (bits & endsSeparatedBit) !== 0,
    bornTimestampMs: timed ? approximateInt64(bytes, end - 8) : undefined,
    rawProperties: raw ? bytes.subarray(end) : undefined
  }
}

/** The same header for a body that is no longer compressed as its sysFlag said. */
export function withSysFlag(header: Buffer, sysFlag: number): Buffer {
  const copy = Buffer.from(header)
  copy.writeInt32BE(sysFlag, sysFlagAt)
  return copy
}
