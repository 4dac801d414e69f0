/** Zig-zag variable-length integers, as the records of a batch use them (Kafka's ByteUtils). */

/**
 * Reads one integer after the other without allocating. What cannot be read (past `end`, too long) sets `bad` and
 * gives 0, so a caller checks once for many reads.
 */
export class VarintReader {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  end = 0
  bad = false

  /** Points the reader at `bytes[start, end)`. */
  reset(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.at = start
    this.end = end
    this.bad = false
  }

  /** 32 bits, 1 to 5 bytes. */
  int(): number {
    const { bytes, end } = this
    let at = this.at
    let shift = 0
    let value = 0
    while (at < end && shift < 35) {
      const byte = bytes[at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.at = at
        return (value >>> 1) ^ -(value & 1)
      }
      shift += 7
    }
    this.bad = true
    return 0
  }

  /** 64 bits, 1 to 10 bytes; beyond 2^52 in size it is refused, since a number would round it. */
  long(): number {
    const { bytes, end } = this
    let at = this.at
    let factor = 1
    let value = 0
    const last = Math.min(end, at + 10)
    while (at < last) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        this.at = at
        if (value > Number.MAX_SAFE_INTEGER) break
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      }
      factor *= 128
    }
    this.bad = true
    return 0
  }

  /** Steps over `length` bytes. */
  skip(length: number): void {
    if (length < 0 || length > this.end - this.at) this.bad = true
    else this.at += length
  }

  /** Steps over a key or value, which its length comes before; returns that, -1 for null. */
  skipField(): number {
    const length = this.int()
    if (length >= 0) this.skip(length)
    else if (length < -1) this.bad = true
    return length
  }

  /** A key or value, as a slice; null where it is, or cannot be read. */
  field(): Buffer | null {
    const length = this.skipField()
    return length < 0 || this.bad ? null : this.bytes.subarray(this.at - length, this.at)
  }
}

/** Bytes that `value` (a safe integer of at most 2^52) takes. */
export function varintBytes(value: number): number {
  let rest = zigzag(value)
  let bytes = 1
  while (rest >= 128) {
    rest = Math.floor(rest / 128)
    bytes++
  }
  return bytes
}

/** Writes `value` at `at`; returns where the next byte goes. */
export function writeVarint(target: Buffer, value: number, at: number): number {
  let rest = zigzag(value)
  while (rest >= 128) {
    target[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  target[at++] = rest
  return at
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}
