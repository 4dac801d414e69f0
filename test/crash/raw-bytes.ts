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
  /** Of all its records, ms since the epoch; now if left out. */
  timestamp?: number
}

/** What is in a record. */
export interface RawContent {
  /** Null, or left out: none. */
  readonly key?: Buffer | null
  readonly value: Buffer | null
  /** The value of a header called `note`; null, or left out: there is none. */
  readonly note?: Buffer | null
}

const noteName = Buffer.from('note')

/** With its length before it. */
const sized = (bytes: Buffer): Buffer => Buffer.concat([varint(bytes.length), bytes])

/** -1 for null. */
const nullable = (bytes: Buffer | null): Buffer => (bytes ? sized(bytes) : Buffer.from([1]))

/** A record batch v2, uncompressed. */
export function encodeBatch(contents: readonly RawContent[], stamp: BatchStamp): Buffer {
  const records = contents.map(({ key = null, value, note = null }, i) => {
    const headers = note ? [varint(1), sized(noteName), sized(note)] : [varint(0)]
    const body = [i8(0), varint(0), varint(i), nullable(key), nullable(value)]
    return sized(Buffer.concat([...body, ...headers]))
  })
  const time = stamp.timestamp ?? Date.now()
  const checked = Buffer.concat([
    ...[i16(0), i32(contents.length - 1), i64(time), i64(time)],
    ...[i64(stamp.producerId), i16(stamp.producerEpoch), i32(stamp.baseSequence)],
    list(records)
  ])
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32c(checked))
  // Length counts from the leader epoch (4), magic (1) and crc (4) on.
  return Buffer.concat([i64(0), i32(9 + checked.length), i32(-1), i8(2), crc, checked])
}

export interface RawRecord {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly note: Buffer | null
}

/** The records of whole batches; throws if a batch's CRC does not hold. */
export function decodeBatches(bytes: Buffer): RawRecord[] {
  const records: RawRecord[] = []
  for (const batch of wholeBatches(bytes)) {
    if (crc32c(batch.subarray(21)) !== batch.readUInt32BE(17)) throw new Error('a batch is damaged')
    const body = new VarintReader(batch.subarray(61))
    for (let i = batch.readInt32BE(57); i > 0; i--) records.push(body.record(baseOffsetOf(batch)))
  }
  return records
}

/** The offset after the last whole batch, which may have no records any more; undefined if there is none. */
export function nextOffsetOf(bytes: Buffer): number | undefined {
  const last = wholeBatches(bytes).at(-1)
  return last && baseOffsetOf(last) + last.readInt32BE(23) + 1
}

const baseOffsetOf = (batch: Buffer): number => Number(batch.readBigInt64BE(0))

function wholeBatches(bytes: Buffer): Buffer[] {
  const batches: Buffer[] = []
  let at = 0
  while (at + 61 <= bytes.length) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    batches.push(bytes.subarray(at, end))
    at = end
  }
  return batches
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
    const key = this.#nullable()
    const value = this.#nullable()
    let note: Buffer | null = null
    for (let left = this.#varint(); left > 0; left--) {
      const isNote = this.#nullable()?.equals(noteName)
      const header = this.#nullable()
      if (isNote) note = header
    }
    this.#at = end
    return { offset, key, value, note }
  }

  #nullable(): Buffer | null {
    const size = this.#varint()
    if (size < 0) return null
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
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
