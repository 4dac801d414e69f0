/** The newest used of what is costly to make, within a number of bytes. */

export interface CacheLimits {
  /** Sum of the weights kept. */
  readonly bytesMax: number
  /** A value heavier than this is not kept: it would drive out many. */
  readonly entryBytesMax: number
}

export interface CacheFigures {
  readonly bytes: number
  readonly entries: number
  readonly hits: number
  readonly misses: number
}

/** A map that forgets what was used longest ago. Nothing in it is ever stale: keys say what the value was made from. */
export class WeightedCache<V> {
  readonly #limits: CacheLimits
  readonly #entries = new Map<string, { readonly value: V; readonly bytes: number }>()
  #bytes = 0
  #hits = 0
  #misses = 0

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      this.#misses++
      return undefined
    }
    this.#hits++
    // A map keeps the order of insertion: the first is the one used longest ago.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  /** The value, which is forgotten. */
  take(key: string): V | undefined {
    const value = this.get(key)
    this.#drop(key)
    return value
  }

  /** `bytes`: what the value keeps in memory. */
  set(key: string, value: V, bytes: number): void {
    this.#drop(key)
    if (bytes > this.#limits.entryBytesMax) return
    this.#entries.set(key, { value, bytes })
    this.#bytes += bytes
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limits.bytesMax) break
      this.#drop(oldest)
    }
  }

  figures(): CacheFigures {
    const entries = this.#entries.size
    return { bytes: this.#bytes, entries, hits: this.#hits, misses: this.#misses }
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}
