import { writeInt64 } from './integers.ts'

/**
 * Appends fields to a buffer that grows. Varints are unsigned LEB128, up to 2^53 - 1. A value that does not fit its
 * field is a programmer's error: RangeError.
 */
export class ByteWriter {
  #bytes: Buffer
  #length = 0

  constructor(sizeHint = 256) {
    this.#bytes = Buffer.allocUnsafe(sizeHint)
  }

  get length(): number {
    return this.#length
  }

  /** What was written so far; valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.view())
  }

  clear(): void {
    this.#length = 0
  }

  uint8(value: number): void {
    const at = this.#room(1)
    this.#bytes.writeUInt8(value, at)
  }

  uint16(value: number): void {
    const at = this.#room(2)
    this.#bytes.writeUInt16BE(value, at)
  }

  uint32(value: number): void {
    const at = this.#room(4)
    this.#bytes.writeUInt32BE(value, at)
  }

  int64(value: number): void {
    const at = this.#room(8)
    writeInt64(this.#bytes, at, value)
  }

  /** 0 to 2^53 - 1. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a count: ${value}`)
    let rest = value
    while (rest > 127) {
      this.uint8((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    this.uint8(rest)
  }

  /**
   * Any safe integer. The first byte has 6 bits of the magnitude and the sign (bit 6; a negative value is stored as
   * -value - 1), the others are a varint's. (Zigzag would overflow above 2^52.)
   */
  signed(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`)
    const magnitude = value < 0 ? -value - 1 : value
    const first = (magnitude % 64) + (value < 0 ? 64 : 0)
    this.uint8(magnitude < 64 ? first : first + 128)
    if (magnitude >= 64) this.varint(Math.floor(magnitude / 64))
  }

  bytes(value: Buffer): void {
    const at = this.#room(value.length)
    value.copy(this.#bytes, at)
  }

  /** UTF-8 with its length in bytes before it, as a varint. */
  string(value: string): void {
    const length = Buffer.byteLength(value)
    this.varint(length)
    const at = this.#room(length)
    this.#bytes.write(value, at, 'utf8')
  }

  /** 16 bytes, given as 32 lower-case hex digits. */
  id(value: string): void {
    if (!/^[0-9a-f]{32}$/.test(value)) throw new RangeError(`not an id of 32 digits: ${value}`)
    const at = this.#room(16)
    this.#bytes.write(value, at, 'hex')
  }

  setUint32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at)
  }

  /** Where the next `count` bytes go. Call it before touching `#bytes`: it may replace them. */
  #room(count: number): number {
    const at = this.#length
    const needed = at + count
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    this.#length = needed
    return at
  }
}
