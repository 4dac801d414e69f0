import type { File } from '../ports.ts'
import { LayoutError } from './layout-error.ts'

const chunkBytesDefault = 1024 * 1024
/**
 * First read, and the read after a jump: enough for the headers there, little of what may be skipped next. A gap
 * no larger than this is no jump: reading on costs less than another call.
 */
const shortReadBytes = 16 * 1024

/**
 * A moving view of a file that is read mostly forwards. Reads grow up to a chunk while they follow one another and
 * become short after a jump, so that large payloads nobody asks for are not read.
 */
export class FileWindow {
  readonly #file: File
  readonly #end: number
  readonly #chunkBytes: number
  #bytes: Buffer
  #start = 0
  #length = 0
  #readBytes = shortReadBytes

  /** `end`: nothing at or after it is read. */
  constructor(file: File, end: number, chunkBytes = chunkBytesDefault) {
    this.#file = file
    this.#end = end
    this.#chunkBytes = chunkBytes
    this.#bytes = Buffer.allocUnsafe(Math.max(0, Math.min(chunkBytes, end)))
  }

  /** What `at` and `load` index into; replaced by `load`. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where in `bytes` the `count` bytes from `position` on stand, or -1: `load` them. */
  at(position: number, count: number): number {
    const at = position - this.#start
    return at >= 0 && at + count <= this.#length ? at : -1
  }

  /** Like `at`, reading what is needed. Throws LayoutError 'truncated' if the file ends before. */
  async load(position: number, count: number): Promise<number> {
    const at = this.at(position, count)
    if (at >= 0) return at
    const left = this.#end - position
    if (count > left)
      throw new LayoutError('truncated', `the file ends before byte ${position + count}`)
    const end = this.#start + this.#length
    const follows = position >= this.#start && position <= end + shortReadBytes
    this.#readBytes = follows ? Math.min(this.#readBytes * 4, this.#chunkBytes) : shortReadBytes
    const length = Math.min(left, Math.max(count, this.#readBytes))
    if (length > this.#bytes.length) this.#bytes = Buffer.allocUnsafe(length)
    this.#length = 0
    this.#start = position
    while (this.#length < length) {
      const at = position + this.#length
      const read = await this.#file.read(this.#bytes, this.#length, length - this.#length, at)
      if (read === 0) throw new LayoutError('truncated', `the file ended at byte ${at}`)
      this.#length += read
    }
    return 0
  }
}
