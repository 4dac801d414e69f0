import { readInt64 } from './integers.ts'
import { LayoutError } from './layout-error.ts'

/** Reads fields one after the other; every read past the end is a LayoutError 'truncated'. */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#end - this.#at
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  int64(): number {
    return readInt64(this.#bytes, this.#take(8))
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 8; count++) {
      const byte = this.uint8()
      value += (byte & 127) * scale
      if (byte < 128) {
        if (!Number.isSafeInteger(value) || (byte === 0 && count > 0)) break
        return value
      }
      scale *= 128
    }
    throw new LayoutError('malformed', `no valid varint before byte ${this.#at}`)
  }

  signed(): number {
    const first = this.uint8()
    const rest = first < 128 ? 0 : this.varint()
    const magnitude = rest * 64 + (first & 63)
    const value = first & 64 ? -magnitude - 1 : magnitude
    if (!Number.isSafeInteger(value) || (first >= 128 && rest === 0)) {
      throw new LayoutError('malformed', `no valid signed integer before byte ${this.#at}`)
    }
    return value
  }

  /** A view, not a copy. */
  bytes(count: number): Buffer {
    const at = this.#take(count)
    return this.#bytes.subarray(at, at + count)
  }

  string(): string {
    return this.utf8(this.varint())
  }

  utf8(length: number): string {
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  id(): string {
    const at = this.#take(16)
    return this.#bytes.toString('hex', at, at + 16)
  }

  /** Checks a count before anything of that size is made: each item takes `itemBytesMin` at least. */
  count(value: number, itemBytesMin: number): number {
    if (value * itemBytesMin > this.left) {
      throw new LayoutError('truncated', `${value} items announced, ${this.left} bytes left`)
    }
    return value
  }

  /** Throws unless everything was read. */
  done(): void {
    if (this.left === 0) return
    throw new LayoutError('malformed', `${this.left} bytes too many`)
  }

  #take(count: number): number {
    if (count > this.left) {
      throw new LayoutError('truncated', `${count} bytes expected, ${this.left} left`)
    }
    const at = this.#at
    this.#at = at + count
    return at
  }
}
