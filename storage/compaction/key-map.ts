/**
 * The newest offset of each key, in a fixed amount of memory: open addressing over 128 bits of a hash of queue and key,
 * and an offset, as Kafka's SkimpyOffsetMap. The hash is SHA-256, of which nobody can make two keys collide.
 */
import * as crypto from 'node:crypto'
import type { QueueUid } from '../contract.ts'

/** Of a slot: four words of hash, and an offset. */
export const slotBytes = 24
const hashWords = 4
/** Fuller than that, and looking up costs too much (Kafka: log.cleaner.io.buffer.load.factor is 0.9). */
const loadMax = 0.75
/** A key up to this size is hashed out of memory that is there. */
const scratchBytes = 16 * 1024
const queueBytes = 4

/** One call, where this Node has it (20.12 and later): twice as fast. */
const hashAtOnce = (crypto as Partial<typeof crypto>).hash

export class KeyMap {
  /** Of each slot the offset + 1; 0: nothing. */
  readonly #offsets: Float64Array
  readonly #hashes: Uint32Array
  readonly #slots: number
  readonly countMax: number
  #count = 0
  readonly #scratch = Buffer.alloc(scratchBytes)
  readonly #words = new Uint32Array(hashWords)

  /** Room for `wanted` keys, as far as that goes into `bytesMax`. */
  constructor(wanted: number, bytesMax: number) {
    const slotsMax = Math.max(2, Math.floor(bytesMax / slotBytes))
    this.#slots = Math.min(slotsMax, Math.max(2, Math.ceil((wanted + 1) / loadMax)))
    this.countMax = Math.max(1, Math.floor(this.#slots * loadMax))
    this.#offsets = new Float64Array(this.#slots)
    this.#hashes = new Uint32Array(this.#slots * hashWords)
  }

  get count(): number {
    return this.#count
  }

  /** False where it is full: nothing was changed. Of several offsets the greatest stays. */
  put(queue: QueueUid, key: Buffer, offset: number): boolean {
    const slot = this.#find(queue, key)
    const known = this.#offsets[slot] as number
    if (known === 0) {
      if (this.#count >= this.countMax) return false
      this.#count++
      this.#hashes.set(this.#words, slot * hashWords)
    }
    if (offset + 1 > known) this.#offsets[slot] = offset + 1
    return true
  }

  /** -1 for a key that is not there. */
  get(queue: QueueUid, key: Buffer): number {
    return (this.#offsets[this.#find(queue, key)] as number) - 1
  }

  /** The slot that has the key, or is free for it. */
  #find(queue: QueueUid, key: Buffer): number {
    const words = this.#words
    this.#hash(queue, key)
    const a = words[0] as number
    for (let slot = a % this.#slots; ; slot = slot + 1 === this.#slots ? 0 : slot + 1) {
      if (this.#offsets[slot] === 0) return slot
      const at = slot * hashWords
      if (
        this.#hashes[at] === a &&
        this.#hashes[at + 1] === words[1] &&
        this.#hashes[at + 2] === words[2] &&
        this.#hashes[at + 3] === words[3]
      )
        return slot
    }
  }

  #hash(queue: QueueUid, key: Buffer): void {
    const size = queueBytes + key.length
    const input = size <= scratchBytes ? this.#scratch.subarray(0, size) : Buffer.alloc(size)
    input.writeUInt32BE(queue, 0)
    key.copy(input, queueBytes)
    const digest =
      hashAtOnce === undefined
        ? crypto.createHash('sha256').update(input).digest()
        : hashAtOnce('sha256', input, 'buffer')
    for (let i = 0; i < hashWords; i++) this.#words[i] = digest.readUInt32LE(i * 4)
  }
}
