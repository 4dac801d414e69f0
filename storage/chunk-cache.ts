/**
 * Chunks of segment files in memory that is used again and again. The log has the queues' runs side by side, so
 * readers that follow several queues want the same chunks: those that a second queue asks for are read whole, once. A
 * queue that is read alone reads its own runs and leaves no trace here.
 */

/** Chunks begin at multiples of this. */
export const chunkBytes = 1024 * 1024
/** Places of which it is remembered which queue read there last. */
const touchesMax = 4096

/** Reads up to `target.length` bytes; returns how many. */
export type ReadChunk = (segment: number, position: number, target: Buffer) => Promise<number>

interface Chunk {
  readonly key: string
  readonly bytes: Buffer
  /** How many of `bytes` are the file's; rejects as the read did. */
  readonly filled: Promise<number>
  /** Those who look at the bytes: while there are any the memory is not used for anything else. */
  users: number
}

/** Bytes that stay as they are until `release`. */
export interface Loan {
  readonly bytes: Buffer
  /** To be called once. */
  readonly release: () => void
}

const nothing = (): void => {}

export class ChunkCache {
  readonly #countMax: number
  readonly #read: ReadChunk
  readonly #endOf: (segment: number) => number
  /** Least recently used first. */
  readonly #chunks = new Map<string, Chunk>()
  readonly #free: Buffer[] = []
  #allocated = 0
  /** Which queue read last in a chunk that is not here. */
  readonly #touches = new Map<string, number>()

  /** `endOf`: up to where a segment will never change (Infinity for a sealed one). */
  constructor(bytesMax: number, read: ReadChunk, endOf: (segment: number) => number) {
    this.#countMax = Math.floor(bytesMax / chunkBytes)
    this.#read = read
    this.#endOf = endOf
  }

  /**
   * The range, or undefined where the caller should read it alone: nobody else wants what is around it, it is larger
   * than a chunk, all memory is lent, or the file ends before. Rejects as the read does.
   */
  async lend(
    queue: number,
    segment: number,
    position: number,
    bytes: number
  ): Promise<Loan | undefined> {
    if (bytes > chunkBytes) return undefined
    const end = position + bytes
    const first = position - (position % chunkBytes)
    const next = first + chunkBytes
    if (end <= next) return this.#slice(queue, segment, first, position - first, bytes)
    // Across two chunks, which are not side by side in memory.
    const head = await this.#slice(queue, segment, first, position - first, next - position)
    if (head === undefined) return undefined
    const tail = await this.#slice(queue, segment, next, 0, end - next).catch((error: unknown) => {
      head.release()
      throw error
    })
    const joined = tail && Buffer.concat([head.bytes, tail.bytes], bytes)
    head.release()
    tail?.release()
    return joined && { bytes: joined, release: nothing }
  }

  async #slice(
    queue: number,
    segment: number,
    start: number,
    within: number,
    bytes: number
  ): Promise<Loan | undefined> {
    const chunk = this.#chunkFor(queue, segment, start, within + bytes)
    if (chunk === undefined) return undefined
    chunk.users++
    const release = (): void => this.#release(chunk)
    try {
      const filled = await chunk.filled
      if (filled >= within + bytes) {
        return { bytes: chunk.bytes.subarray(within, within + bytes), release }
      }
    } catch (error) {
      release()
      throw error
    }
    release()
    return undefined
  }

  #chunkFor(queue: number, segment: number, start: number, needed: number): Chunk | undefined {
    const key = `${segment}:${start}`
    const known = this.#chunks.get(key)
    if (known !== undefined) {
      this.#chunks.delete(key)
      this.#chunks.set(key, known)
      return known
    }
    const end = Math.min(this.#endOf(segment), start + chunkBytes)
    // The log's open end changes with every group: what was read of it would be read again.
    if (end < start + chunkBytes || start + needed > end) return undefined
    if (!this.#isShared(key, queue)) return undefined
    const bytes = this.#memory()
    if (bytes === undefined) return undefined
    const filled = this.#read(segment, start, bytes)
    const chunk: Chunk = { key, bytes, filled, users: 1 }
    this.#chunks.set(key, chunk)
    filled.then(
      () => this.#release(chunk),
      () => {
        if (this.#chunks.get(key) === chunk) this.#chunks.delete(key)
        this.#release(chunk)
      }
    )
    return chunk
  }

  /** Whether another queue asked for the same chunk before. */
  #isShared(key: string, queue: number): boolean {
    const last = this.#touches.get(key)
    if (last !== undefined && last !== queue) {
      this.#touches.delete(key)
      return true
    }
    if (last === undefined) {
      this.#touches.set(key, queue)
      if (this.#touches.size > touchesMax) {
        for (const oldest of this.#touches.keys()) {
          this.#touches.delete(oldest)
          break
        }
      }
    }
    return false
  }

  #memory(): Buffer | undefined {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#allocated < this.#countMax) {
      this.#allocated++
      return Buffer.allocUnsafeSlow(chunkBytes)
    }
    for (const [key, chunk] of this.#chunks) {
      if (chunk.users > 0) continue
      this.#chunks.delete(key)
      return chunk.bytes
    }
    return undefined
  }

  #release(chunk: Chunk): void {
    chunk.users--
    // Dropped while in use: its memory comes back now.
    if (chunk.users === 0 && this.#chunks.get(chunk.key) !== chunk) this.#free.push(chunk.bytes)
  }
}
