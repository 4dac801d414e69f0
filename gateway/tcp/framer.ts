/**
 * Cuts a byte stream into frames: int32 length (big endian), then that many bytes. A frame within one chunk is a
 * slice of it. One that spans chunks, or whose chunk's memory is used again for the next read, is copied once, into a
 * buffer of its exact size; that buffer is made when half of the frame is there, never on the announcement, so memory
 * follows the bytes that arrived (at most twice).
 */

/** The peer's bytes make no sense: its connection is closed with one log line. */
export class FrameError extends Error {
  /** Where the offending bytes begin, for the log. */
  readonly head: Buffer

  constructor(text: string, head: Buffer) {
    super(text)
    this.name = 'FrameError'
    this.head = Buffer.from(head.subarray(0, frameHeadBytes))
  }
}

/** How much of a bad frame goes into the log, bytes. */
export const frameHeadBytes = 32

/** Chunks below this are gathered before they are kept, so that a sender of single bytes costs no object a byte. */
const smallChunkBytes = 4096
const gatherBytesMin = 256
const gatherBytesMax = 16_384

export class Framer {
  readonly #frameBytesMax: number
  readonly #deliver: (frame: Buffer) => void
  /** The length's bytes seen so far, where it is split. */
  #length = 0
  #lengthBytes = 0
  /** Of the frame under way; -1 between frames. */
  #size = -1
  #received = 0
  #target: Buffer | undefined
  #kept: Buffer[] = []
  #gather: Buffer | undefined
  #gathered = 0
  #framesDone = 0
  #reused = false

  constructor(frameBytesMax: number, deliver: (frame: Buffer) => void) {
    this.#frameBytesMax = frameBytesMax
    this.#deliver = deliver
  }

  /** Memory that the half-received frame takes, bytes; 0 between frames. */
  get heldBytes(): number {
    return this.#target !== undefined ? this.#size : Math.max(this.#received, 0)
  }

  /** Bytes of the half-received frame that have arrived. */
  get receivedBytes(): number {
    return this.#received
  }

  /** Frames delivered so far; tells one half-received frame from the next. */
  get framesDone(): number {
    return this.#framesDone
  }

  /** Whether a frame (or a length) has begun and not ended. */
  get partial(): boolean {
    return this.#size >= 0 || this.#lengthBytes > 0
  }

  /**
   * Delivers every frame that ends in this chunk, in order. `reused`: the chunk's memory is the caller's again when this
   * returns, so nothing may stay in it. Throws FrameError on a length out of range.
   */
  push(chunk: Buffer, reused = false): void {
    this.#reused = reused
    let at = 0
    while (at < chunk.length) {
      if (this.#size < 0) {
        at = this.#readLength(chunk, at)
        if (this.#size < 0) return
      }
      const missing = this.#size - this.#received
      if (chunk.length - at < missing) {
        this.#hold(chunk.subarray(at))
        return
      }
      const frame = this.#finish(chunk.subarray(at, at + missing))
      at += missing
      this.#deliver(frame)
    }
  }

  /** Forgets the half-received frame. */
  drop(): void {
    this.#reset()
  }

  #readLength(chunk: Buffer, start: number): number {
    let at = start
    if (this.#lengthBytes === 0 && chunk.length - at >= 4) {
      this.#length = chunk.readInt32BE(at)
      at += 4
    } else {
      while (this.#lengthBytes < 4 && at < chunk.length) {
        this.#length = (this.#length << 8) | (chunk[at] ?? 0)
        this.#lengthBytes++
        at++
      }
      if (this.#lengthBytes < 4) return at
    }
    const size = this.#length
    this.#length = 0
    this.#lengthBytes = 0
    if (size < 0 || size > this.#frameBytesMax) {
      const length = Buffer.alloc(4)
      length.writeInt32BE(size)
      throw new FrameError(
        `frame of ${size} bytes announced, at most ${this.#frameBytesMax} are taken`,
        Buffer.concat([length, chunk.subarray(at, at + frameHeadBytes)])
      )
    }
    this.#size = size
    return at
  }

  /** Keeps bytes of a frame that has not ended. */
  #hold(piece: Buffer): void {
    const target = this.#target
    if (target !== undefined) {
      piece.copy(target, this.#received)
      this.#received += piece.length
      return
    }
    const received = this.#received + piece.length
    if (received * 2 >= this.#size) {
      const whole = this.#assemble()
      piece.copy(whole, this.#received)
      this.#target = whole
    } else if (piece.length < smallChunkBytes) this.#gatherSmall(piece)
    else {
      this.#keepGathered()
      this.#kept.push(this.#reused ? copyOf(piece) : piece)
    }
    this.#received = received
  }

  #finish(last: Buffer): Buffer {
    let frame = last
    if (this.#received > 0) {
      frame = this.#target ?? this.#assemble()
      last.copy(frame, this.#received)
    } else if (this.#reused) frame = copyOf(last)
    this.#reset()
    this.#framesDone++
    return frame
  }

  /** A buffer of the frame's size with all that was kept in it. */
  #assemble(): Buffer {
    this.#keepGathered()
    const whole = Buffer.allocUnsafeSlow(this.#size)
    let at = 0
    for (const piece of this.#kept) at += piece.copy(whole, at)
    this.#kept = []
    return whole
  }

  #gatherSmall(piece: Buffer): void {
    let rest = piece
    while (rest.length > 0) {
      if (this.#gather === undefined || this.#gathered === this.#gather.length) {
        this.#keepGathered()
        // Grows with what was received: a connection that sends ten bytes holds no 16 KiB.
        const size = Math.max(gatherBytesMin, Math.min(gatherBytesMax, this.#received))
        this.#gather = Buffer.allocUnsafeSlow(size)
      }
      const copied = rest.copy(this.#gather, this.#gathered)
      this.#gathered += copied
      rest = rest.subarray(copied)
    }
  }

  #keepGathered(): void {
    if (this.#gather === undefined) return
    this.#kept.push(this.#gather.subarray(0, this.#gathered))
    this.#gather = undefined
    this.#gathered = 0
  }

  #reset(): void {
    this.#size = -1
    this.#received = 0
    this.#length = 0
    this.#lengthBytes = 0
    this.#target = undefined
    if (this.#kept.length > 0) this.#kept = []
    this.#gather = undefined
    this.#gathered = 0
  }
}

/** Small ones come from Node's pool. */
function copyOf(bytes: Buffer): Buffer {
  const copy =
    bytes.length < smallChunkBytes
      ? Buffer.allocUnsafe(bytes.length)
      : Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
