/** Just enough of Kafka's non-flexible encoding, written apart from the server's own. */
import { crc32c } from '@node-rs/crc32'

export const i8 = (n: number): Buffer => Buffer.from([n & 0xff])

export function i16(n: number): Buffer {
  const b = Buffer.alloc(2)
  b.writeInt16BE(n)
  return b
}

export function i32(n: number): Buffer {
  const b = Buffer.alloc(4)
  b.writeInt32BE(n)
  return b
}

export function i64(n: number): Buffer {
  const b = Buffer.alloc(8)
  b.writeBigInt64BE(BigInt(n))
  return b
}

export const string = (s: string): Buffer => Buffer.concat([i16(s.length), Buffer.from(s)])

export const list = (items: readonly Buffer[]): Buffer =>
  Buffer.concat([i32(items.length), ...items])

/** A cursor over an answer; the method names are the types of Kafka's protocol guide. */
export class RawReader {
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  i16(): number {
    this.at += 2
    return this.#bytes.readInt16BE(this.at - 2)
  }

  i32(): number {
    this.at += 4
    return this.#bytes.readInt32BE(this.at - 4)
  }

  i64(): number {
    this.at += 8
    return Number(this.#bytes.readBigInt64BE(this.at - 8))
  }

  string(): string {
    return this.bytes(Math.max(0, this.i16())).toString()
  }

  bytes(length: number): Buffer {
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: Math.max(0, this.i32()) }, item)
  }
}

function varint(n: number): Buffer {
  const out: number[] = []
  let rest = n * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest & 127) | 128)
  return Buffer.from([...out, rest])
}

export interface BatchStamp {
  /** -1 for a producer that is not idempotent. */
  producerId: number
  producerEpoch: number
  baseSequence: number
}

/** A record batch v2, uncompressed, records with a null key. */
export function encodeBatch(values: readonly Buffer[], stamp: BatchStamp): Buffer {
  const records = values.map((value, i) => {
    const body = [i8(0), varint(0), varint(i), Buffer.from([1]), varint(value.length), value]
    const whole = Buffer.concat([...body, varint(0)])
    return Buffer.concat([varint(whole.length), whole])
  })
  const time = Date.now()
  const checked = Buffer.concat([
    ...[i16(0), i32(values.length - 1), i64(time), i64(time)],
    ...[i64(stamp.producerId), i16(stamp.producerEpoch), i32(stamp.baseSequence)],
    list(records)
  ])
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32c(checked))
  // Length counts from the leader epoch (4), magic (1) and crc (4) on.
  return Buffer.concat([i64(0), i32(9 + checked.length), i32(-1), i8(2), crc, checked])
}

export interface RawRecord {
  offset: number
  value: Buffer
}

/** The records of whole batches; throws if a batch's CRC does not hold. */
export function decodeBatches(bytes: Buffer): RawRecord[] {
  const records: RawRecord[] = []
  let at = 0
  while (at + 61 <= bytes.length) {
    const size = 12 + bytes.readInt32BE(at + 8)
    if (at + size > bytes.length) break
    const batch = bytes.subarray(at, at + size)
    if (crc32c(batch.subarray(21)) !== batch.readUInt32BE(17)) throw new Error('a batch is damaged')
    const base = Number(batch.readBigInt64BE(0))
    const body = new VarintReader(batch.subarray(61))
    for (let i = batch.readInt32BE(57); i > 0; i--) records.push(body.record(base))
    at += size
  }
  return records
}

class VarintReader {
  #at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  record(baseOffset: number): RawRecord {
    const end = this.#varint() + this.#at
    this.#at += 1
    this.#varint()
    const offset = baseOffset + this.#varint()
    const key = this.#varint()
    this.#at += Math.max(0, key)
    const size = this.#varint()
    const value = this.#bytes.subarray(this.#at, this.#at + Math.max(0, size))
    this.#at = end
    return { offset, value }
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0
      value += (byte & 127) * scale
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
  }
}
