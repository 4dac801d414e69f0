/** The few pieces of Kafka's non-flexible encoding that the load needs. */
import { crc32c } from '@node-rs/crc32'

export function int16(n: number): Buffer {
  const b = Buffer.alloc(2)
  b.writeInt16BE(n)
  return b
}

export function int32(n: number): Buffer {
  const b = Buffer.alloc(4)
  b.writeInt32BE(n)
  return b
}

export const string = (s: string): Buffer => Buffer.concat([int16(s.length), Buffer.from(s)])

/** A whole request, header version 1. Every request has the same correlation id: answers come in order. */
export function request(key: number, version: number, ...body: Buffer[]): Buffer {
  const all = Buffer.concat([int16(key), int16(version), int32(1), string('load'), ...body])
  return Buffer.concat([int32(all.length), all])
}

function varint(n: number): Buffer {
  const out: number[] = []
  let rest = n * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest & 127) | 128)
  return Buffer.from([...out, rest])
}

/** One uncompressed record batch v2 of `count` records with values of `bytes` bytes, without a producer id. */
export function recordBatch(count: number, bytes: number): Buffer {
  const records: Buffer[] = []
  for (let i = 0; i < count; i++) {
    const before = [Buffer.from([0]), varint(0), varint(i), Buffer.from([1]), varint(bytes)]
    const body = Buffer.concat([...before, Buffer.alloc(bytes, 97 + (i % 26)), varint(0)])
    records.push(varint(body.length), body)
  }
  const payload = Buffer.concat(records)
  const b = Buffer.alloc(61 + payload.length)
  const now = BigInt(Date.now())
  b.writeInt32BE(49 + payload.length, 8)
  b[16] = 2
  b.writeInt32BE(count - 1, 23)
  b.writeBigInt64BE(now, 27)
  b.writeBigInt64BE(now, 35)
  b.writeBigInt64BE(-1n, 43)
  b.writeInt16BE(-1, 51)
  b.writeInt32BE(-1, 53)
  b.writeInt32BE(count, 57)
  payload.copy(b, 61)
  b.writeUInt32BE(crc32c(b.subarray(21)), 17)
  return b
}
