import { ProtocolError } from './protocol-error.ts'
import { putUnsignedVarint, takeUnsignedVarint, unsignedVarintBytesMax } from './varint.ts'

/**
 * How many array elements and tagged fields one frame may hold in all, so that few bytes cannot
 * become many objects.
 */
export const frameElementsMax = 1_000_000

/**
 * Response heads are cut from shared slabs of this many bytes; a larger field gets a buffer of its
 * own.
 */
export const slabBytes = 32 * 1024

/** A slab with less room than this is given up rather than started in. */
const slabRestBytesMin = 512

/** The all-zero topic id: "none". */
export const zeroUuid = '0'.repeat(32)

/**
 * Reads big-endian fields off one frame. Every read is checked against the frame's end:
 * ProtocolError.
 */
export class Reader {
  readonly buffer: Buffer
  readonly end: number
  position: number
  private elementsLeft = frameElementsMax

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer
    this.position = position
    this.end = buffer.length
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Moves on by `bytes` and returns where they began. */
  skip(bytes: number): number {
    const at = this.position
    const next = at + bytes
    if (next > this.end) this.refuse(bytes)
    this.position = next
    return at
  }

  int8(): number {
    const at = this.skip(1)
    return (this.buffer[at]! << 24) >> 24
  }

  int16(): number {
    const at = this.skip(2)
    const { buffer } = this
    return ((buffer[at]! << 24) >> 16) | buffer[at + 1]!
  }

  int32(): number {
    const at = this.skip(4)
    const { buffer } = this
    return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.skip(8))
  }

  /** An int64 as a number, exact up to the safe integers; beyond them it is only near. */
  nearInt64(): number {
    const high = this.int32()
    return high * 0x100000000 + (this.int32() >>> 0)
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.skip(8))
  }

  unsignedVarint(): number {
    const { position } = this
    if (position < this.end) {
      const byte = this.buffer[position]!
      if (byte < 0x80) {
        this.position = position + 1
        return byte
      }
    }
    return takeUnsignedVarint(this)
  }

  text(bytes: number): string {
    const at = this.skip(bytes)
    return this.buffer.toString('utf8', at, at + bytes)
  }

  /** A view on the frame, not a copy. */
  slice(bytes: number): Buffer {
    const at = this.skip(bytes)
    return this.buffer.subarray(at, at + bytes)
  }

  uuid(): string {
    const at = this.skip(16)
    return this.buffer.toString('hex', at, at + 16)
  }

  /**
   * Takes `count` elements of at least `bytesEach` out of what the frame may hold, before anything
   * is allocated.
   */
  claimElements(count: number, bytesEach: number): void {
    if (count * bytesEach > this.end - this.position) {
      throw new ProtocolError(`${count} elements announced, ${this.remaining} bytes left`)
    }
    this.elementsLeft -= count
    if (this.elementsLeft < 0) {
      throw new ProtocolError(`frame of more than ${frameElementsMax} elements`)
    }
  }

  private refuse(bytes: number): never {
    throw new ProtocolError(`frame ends at ${this.end}, ${bytes} bytes wanted at ${this.position}`)
  }
}

let sharedSlab: Buffer = Buffer.allocUnsafeSlow(slabBytes)
let sharedSlabUsed = 0

/**
 * Writes big-endian fields into a list of chunks. Small fields are packed into slabs shared by
 * successive writers (one is used at a time: encoding never awaits); `chunk` puts a caller's buffer
 * into the list as it is.
 */
export class Writer {
  private readonly done: Buffer[] = []
  private doneBytes = 0
  private slab: Buffer
  private start: number
  private position: number
  private readonly shared: boolean

  /**
   * A writer that is not `shared` has a small buffer of its own, for use while another is being
   * written.
   */
  constructor(shared = true) {
    this.shared = shared
    if (shared && slabBytes - sharedSlabUsed < slabRestBytesMin) {
      sharedSlab = Buffer.allocUnsafeSlow(slabBytes)
      sharedSlabUsed = 0
    }
    this.slab = shared ? sharedSlab : Buffer.allocUnsafe(256)
    this.start = shared ? sharedSlabUsed : 0
    this.position = this.start
  }

  /** Bytes written so far. */
  get length(): number {
    return this.doneBytes + this.position - this.start
  }

  int8(value: number): void {
    if (value !== (value << 24) >> 24) refuseValue(value, 'int8')
    const at = this.claim(1)
    this.slab[at] = value
  }

  int16(value: number): void {
    if (value !== (value << 16) >> 16) refuseValue(value, 'int16')
    const at = this.claim(2)
    this.slab[at] = value >> 8
    this.slab[at + 1] = value
  }

  int32(value: number): void {
    if (value !== (value | 0)) refuseValue(value, 'int32')
    this.word(value)
  }

  int64(value: bigint): void {
    const at = this.claim(8)
    this.slab.writeBigInt64BE(value, at)
  }

  /** An int64 from a number, which must be a safe integer. */
  safeInt64(value: number): void {
    if (!Number.isSafeInteger(value)) refuseValue(value, 'safe integer')
    this.word(Math.floor(value / 0x100000000))
    this.word(value | 0)
  }

  float64(value: number): void {
    const at = this.claim(8)
    this.slab.writeDoubleBE(value, at)
  }

  unsignedVarint(value: number): void {
    const at = this.claim(unsignedVarintBytesMax)
    this.position = putUnsignedVarint(this.slab, at, value)
  }

  /** Text with its length in front: compact (uvarint of length + 1) or int16. */
  text(value: string, compact: boolean): void {
    const bytes = Buffer.byteLength(value)
    if (compact) this.unsignedVarint(bytes + 1)
    else this.int16(bytes)
    const at = this.claim(bytes)
    if (bytes === value.length && bytes <= 32) {
      const { slab } = this
      for (let i = 0; i < bytes; i++) slab[at + i] = value.charCodeAt(i)
    } else this.slab.write(value, at, 'utf8')
  }

  uuid(value: string): void {
    if (value.length !== 32) refuseValue(value, 'uuid of 32 hexadecimal digits')
    const at = this.claim(16)
    if (this.slab.write(value, at, 16, 'hex') !== 16) refuseValue(value, 'uuid')
  }

  /** Copies `bytes`. */
  copy(bytes: Uint8Array): void {
    const at = this.claim(bytes.length)
    this.slab.set(bytes, at)
  }

  /** Appends `bytes` by reference: they must not change until they are sent. */
  chunk(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.cut()
    this.done.push(bytes)
    this.doneBytes += bytes.length
  }

  /** Writes an int32 over what was written first: the frame's length. */
  patchFirst(value: number): void {
    const first = this.done[0]
    if (first === undefined) this.slab.writeInt32BE(value, this.start)
    else first.writeInt32BE(value, 0)
  }

  /** Ends the writing: the chunks, in order. */
  finish(): Buffer[] {
    this.cut()
    return this.done
  }

  private word(value: number): void {
    const at = this.claim(4)
    const { slab } = this
    slab[at] = value >> 24
    slab[at + 1] = value >> 16
    slab[at + 2] = value >> 8
    slab[at + 3] = value
  }

  /** Makes room for `bytes` in one piece, and returns where it begins. */
  private claim(bytes: number): number {
    const at = this.position
    if (at + bytes > this.slab.length) return this.extend(bytes)
    this.position = at + bytes
    return at
  }

  private extend(bytes: number): number {
    this.cut()
    const size = this.shared ? slabBytes : this.slab.length * 2
    this.slab = Buffer.allocUnsafeSlow(Math.max(size, bytes))
    if (this.shared && this.slab.length === slabBytes) {
      sharedSlab = this.slab
      sharedSlabUsed = 0
    }
    this.start = 0
    this.position = bytes
    return 0
  }

  private cut(): void {
    if (this.position === this.start) return
    this.done.push(this.slab.subarray(this.start, this.position))
    this.doneBytes += this.position - this.start
    this.start = this.position
    if (this.slab === sharedSlab) sharedSlabUsed = this.position
  }
}

function refuseValue(value: unknown, type: string): never {
  throw new TypeError(`${String(value)} is no ${type}`)
}
