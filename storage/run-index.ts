/** Where a queue's runs are: the newest in memory, older ones in LevelDB behind a bounded cache of decoded blocks. */
import type { IndexBlock } from './index-block.ts'
import type { IndexDb } from './index-db.ts'
import type { Queue } from './queue.ts'
import type { RunEntry, RunList } from './run-list.ts'

/** Blocks kept for one queue; readers of a queue are mostly near each other. */
const blocksPerQueueMax = 4
/** Runs looked up for one read. */
const runsPerReadMax = 1024
/** Blocks asked for together: a look-up costs much more than the blocks behind the one that is needed. */
const blocksAtOnce = 8

interface Block {
  readonly runs: RunList
}

/** What one search found in LevelDB beyond what it needed first. */
class Ahead {
  #blocks: IndexBlock[] = []

  put(blocks: readonly IndexBlock[]): void {
    this.#blocks = [...blocks]
  }

  /** The block that `offset` is within; those before it are let go. */
  take(offset: number): IndexBlock | undefined {
    while (this.#blocks[0] !== undefined && this.#blocks[0].end <= offset) this.#blocks.shift()
    const [block] = this.#blocks
    return block !== undefined && block.start <= offset ? block : undefined
  }
}

export class RunIndex {
  readonly #db: IndexDb
  readonly #cacheBytesMax: number
  /** By queue uid, least recently used first. */
  readonly #cache = new Map<number, Block[]>()
  #cacheBytes = 0

  constructor(db: IndexDb, cacheBytesMax: number) {
    this.#db = db
    this.#cacheBytesMax = cacheBytesMax
  }

  /**
   * Runs from the one that holds `offset` on (or, where nothing holds it, the first after it), until their bytes reach
   * `bytesWanted`. Empty beyond the end of the index.
   */
  async runsFrom(queue: Queue, offset: number, bytesWanted: number): Promise<RunEntry[]> {
    const found: RunEntry[] = []
    const ahead = new Ahead()
    let next = offset
    let bytes = 0
    while (bytes < bytesWanted && found.length < runsPerReadMax) {
      const list = this.#inMemory(queue, next) ?? (await this.#inDb(queue, next, ahead))
      if (list === undefined) break
      const before = found.length
      for (let i = list.indexOf(next); i < list.length && bytes < bytesWanted; i++) {
        const run = list.at(i)
        found.push(run)
        bytes += run.bytes
        next = run.nextOffset
        if (found.length === runsPerReadMax) break
      }
      if (found.length === before) break
    }
    return found
  }

  /** The list that has the first run at or after `offset`, with its position; for searches. */
  async listFrom(queue: Queue, offset: number): Promise<RunList | undefined> {
    return this.#inMemory(queue, offset) ?? (await this.#inDb(queue, offset, new Ahead()))
  }

  /** Runs from the one that holds `from` on, as long as they begin before `to`. */
  async *runsBetween(queue: Queue, from: number, to: number): AsyncIterable<RunEntry> {
    for (let next = from; next < to; ) {
      const runs = await this.runsFrom(queue, next, Number.POSITIVE_INFINITY)
      if (runs.length === 0) return
      for (const run of runs) {
        if (run.baseOffset >= to) return
        yield run
        next = run.nextOffset
      }
    }
  }

  #inMemory(queue: Queue, offset: number): RunList | undefined {
    const { runs } = queue
    if (runs.length === 0 || offset < runs.firstOffset()) return undefined
    return offset < runs.nextOffset() ? runs : undefined
  }

  /** Rejects with IndexDamagedError where LevelDB lacks what it must have. */
  async #inDb(queue: Queue, from: number, ahead: Ahead): Promise<RunList | undefined> {
    for (let offset = from; offset < queue.indexedEnd; ) {
      const cached = this.#cached(queue.uid, offset)
      if (cached !== undefined) return cached
      const block = ahead.take(offset) ?? (await this.#find(queue, offset, ahead))
      if (block === undefined) break
      if (block.runs.length > 0 && block.runs.nextOffset() > offset) {
        this.#remember(queue.uid, block.runs)
        return block.runs
      }
      // Nothing is left of the records up to its end.
      offset = block.end
    }
    // What LevelDB does not have yet is in memory; it may begin after a gap.
    return queue.runs.length > 0 && queue.runs.nextOffset() > from ? queue.runs : undefined
  }

  /** The block that the offset is within; before the log start the one that follows will do. */
  async #find(queue: Queue, offset: number, ahead: Ahead): Promise<IndexBlock | undefined> {
    const { uid } = queue
    const blocks = await this.#db.blocksFrom(uid, offset, blocksAtOnce)
    ahead.put(blocks)
    // Who reads on asks for where a block ends, and the next starts.
    const next = ahead.take(offset)
    if (next !== undefined) return next
    const before = await this.#db.block(uid, offset)
    if (before !== undefined && offset < before.end) return before
    const older = await this.#db.olderBlock(uid, offset)
    if (older !== undefined) return older
    // Retention, or the end of its topic, may have passed meanwhile.
    if (offset >= queue.logStart && !queue.gone)
      throw this.#db.damaged(`it does not know where offset ${offset} of queue ${uid} is`)
    return blocks[0]
  }

  #cached(uid: number, offset: number): RunList | undefined {
    const blocks = this.#cache.get(uid)
    if (blocks === undefined) return undefined
    const hit = blocks.find(
      ({ runs }) => offset >= runs.firstOffset() && offset < runs.nextOffset()
    )
    if (hit === undefined) return undefined
    this.#cache.delete(uid)
    this.#cache.set(uid, blocks)
    return hit.runs
  }

  #remember(uid: number, runs: RunList): void {
    const blocks = this.#cache.get(uid) ?? []
    this.#cache.delete(uid)
    if (blocks.length === blocksPerQueueMax) this.#cacheBytes -= blocks.shift()?.runs.heldBytes ?? 0
    blocks.push({ runs })
    this.#cache.set(uid, blocks)
    this.#cacheBytes += runs.heldBytes
    for (const [oldest, held] of this.#cache) {
      if (this.#cacheBytes <= this.#cacheBytesMax || oldest === uid) break
      this.#cache.delete(oldest)
      for (const block of held) this.#cacheBytes -= block.runs.heldBytes
    }
  }

  /** Forgets what is cached of a queue (its topic is gone). */
  forget(uid: number): void {
    for (const block of this.#cache.get(uid) ?? []) this.#cacheBytes -= block.runs.heldBytes
    this.#cache.delete(uid)
  }
}
