/**
 * A queue whose log start moves on behind its end: its segments are deleted while the disk is stopped, and what is
 * above the log start must be there all the same.
 */
import { encodeBatch } from '../../../storage/batch/encode-batch.ts'
import type { Change, Engine, QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import type { Stage } from './actors.ts'
import { readQueue } from './queue-content.ts'
import { Violation } from './violation.ts'

/** Some of these fill a segment. */
const paddingBytesMax = 30_000

export class TrimmedQueue {
  readonly queue: QueueUid
  /** Names of records by offset, as far as they are durable. */
  readonly #names = new Map<number, string>()
  #next = 0
  /** Where the log start is at least, and at most: moves whose outcome is not known may have been made. */
  #startMin = 0
  #startMax = 0
  #end = 0

  constructor(queue: QueueUid) {
    this.queue = queue
  }

  /** Appends, moves the log start and has segments deleted, until the store takes no more. */
  async work({ engine, random, steps }: Stage): Promise<void> {
    const { queue } = this
    try {
      for (let step = 0; step < steps; step++) {
        const name = `trimmed${this.#next++}`
        const padding = 'x'.repeat(random.integer(paddingBytesMax))
        const value = Buffer.from(`${name}:${padding}`)
        const batches = [encodeBatch([{ timestamp: 1, value }])]
        const { appends } = await engine.commit({ appends: [{ queue, batches, origin: 'kafka' }] })
        await engine.settle()
        const offset = appends[0]?.baseOffset
        if (offset === undefined) return
        this.#names.set(offset, name)
        this.#end = Math.max(this.#end, offset + 1)
        if (random.chance(0.5)) await this.#move(engine, this.#end - random.integer(4))
        if (random.chance(0.3)) await engine.enforceRetention()
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }

  async #move(engine: Engine, wanted: number): Promise<void> {
    const offset = Math.max(0, wanted)
    this.#startMax = Math.max(this.#startMax, offset)
    const change: Change = { op: 'move-log-start', queue: this.queue, offset }
    await engine.commit({ changes: [change] })
    await engine.settle()
    this.#startMin = Math.max(this.#startMin, offset)
  }

  /** Compares with an engine that was just opened. */
  async verify(engine: Engine): Promise<void> {
    const { queue } = this
    const { logStartOffset: start } = await engine.ends(queue)
    if (start < this.#startMin || start > this.#startMax)
      throw new Violation(
        `queue ${queue} begins at ${start}, not at ${this.#startMin} to ${this.#startMax}`
      )
    this.#startMin = start
    const { ids, highWatermark } = await readQueue(engine, queue, start)
    if (highWatermark < this.#end)
      throw new Violation(`queue ${queue} ends at ${highWatermark}, not at ${this.#end}`)
    for (const [offset, name] of this.#names) {
      if (offset >= start && ids.get(offset) !== name)
        throw new Violation(`queue ${queue}: ${name} was at ${offset}, there is ${ids.get(offset)}`)
    }
    for (const [offset, name] of ids) this.#names.set(offset, name)
    this.#end = highWatermark
    const bytes = (await engine.sizesOf([queue]))[0] ?? 0
    if (bytes < 0 || bytes > 0 !== ids.size > 0)
      throw new Violation(`queue ${queue} has ${ids.size} records and ${bytes} bytes`)
  }
}
