/**
 * A queue of a compacted topic: segments with its records are rewritten while the disk is stopped, and of each key the
 * newest record must be there all the same, unless it says that the key is gone; then nothing older may come back.
 */
import { encodeBatch } from '../../../storage/batch/encode-batch.ts'
import { isBatchFault, parseBatches, storedBatch } from '../../../storage/batch/parse-batch.ts'
import { type BatchRecord, records } from '../../../storage/batch/records.ts'
import type { Engine, QueueUid } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import type { FakeClock } from '../../support/fake-clock.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'
import type { Stage } from './actors.ts'
import { Violation } from './violation.ts'

export const compactedConfig = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0',
  'max.compaction.lag.ms': '20',
  'delete.retention.ms': '30'
}

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
/** Longer than anything waits, and as often as one thing waits for another. */
const settlingMs = 100
const settlingChecks = 4
/** Some of these fill a segment. */
const paddingBytesMax = 6000

/** A record as it was sent; a tombstone has no name of its own. */
interface Known {
  readonly key: string
  /** Undefined: a tombstone. */
  readonly name: string | undefined
}

export class CompactedQueue {
  readonly queue: QueueUid
  /** By offset, as far as it was acknowledged or seen. */
  readonly #known = new Map<number, Known>()
  /** Names that were sent, with their keys. */
  readonly #sent = new Map<string, string>()
  /** By key, the newest offset that must be there for ever. */
  readonly #newest = new Map<string, number>()
  #next = 0
  #end = 0

  constructor(queue: QueueUid) {
    this.queue = queue
  }

  /** Appends, reads and compacts, until the store takes no more. */
  async work({ engine, random, steps }: Stage): Promise<void> {
    try {
      for (let step = 0; step < steps * 2; step++) {
        await this.#append(engine, random)
        if (random.chance(0.2)) this.#see(await this.#read(engine, random.integer(this.#end + 1)))
        if (random.chance(0.2)) await engine.enforceRetention()
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }

  async #append(engine: Engine, random: SeededRandom): Promise<void> {
    const { queue } = this
    const some: Known[] = Array.from({ length: random.between(1, 4) }, () => {
      const key = random.pick(keys)
      const name = random.chance(0.2) ? undefined : `c${this.#next++}`
      if (name !== undefined) this.#sent.set(name, key)
      return { key, name }
    })
    const news = some.map(({ key, name }) => ({
      timestamp: 1,
      key: Buffer.from(key),
      value:
        name === undefined
          ? null
          : Buffer.from(`${name}:${'x'.repeat(random.integer(paddingBytesMax))}`)
    }))
    const batches = [encodeBatch(news, { codec: random.pick(['none', 'none', 'lz4', 'gzip']) })]
    const { appends } = await engine.commit({ appends: [{ queue, batches, origin: 'kafka' }] })
    await engine.settle()
    const base = appends[0]?.baseOffset
    if (base === undefined) return
    for (const [i, known] of some.entries()) this.#note(base + i, known)
    this.#end = Math.max(this.#end, base + some.length)
  }

  #note(offset: number, known: Known): void {
    this.#known.set(offset, known)
    this.#newest.set(known.key, Math.max(offset, this.#newest.get(known.key) ?? -1))
  }

  /** What is there is what was there, and what was sent. */
  #see(found: ReadonlyMap<number, Known>): void {
    for (const [offset, { key, name }] of found) {
      const before = this.#known.get(offset)
      if (before !== undefined && (before.key !== key || before.name !== name))
        throw new Violation(
          `compacted: ${offset} was ${before.key}=${before.name}, is ${key}=${name}`
        )
      if (name !== undefined && this.#sent.get(name) !== key)
        throw new Violation(`compacted: ${key}=${name} at ${offset} was never sent`)
      this.#note(offset, { key, name })
    }
  }

  /** From `from` to the end; offsets rise, and the end is reached. */
  async #read(engine: Engine, from: number): Promise<Map<number, Known>> {
    const { queue } = this
    const found = new Map<number, Known>()
    let at = from
    let last = from - 1
    for (;;) {
      const queues = [{ queue, offset: at, maxBytes: 20_000 }]
      const [data] = await engine.read({ queues, maxBytes: 20_000, isolation: 'uncommitted' })
      if (data === undefined || data instanceof StoreError) {
        if (data?.code === 'io-failed' || data?.code === 'closed') throw data
        throw new Violation(`compacted: at ${at}: ${data?.code}`)
      }
      if (data.bytes === 0) {
        const { highWatermark } = data.ends
        if (at !== highWatermark)
          throw new Violation(`compacted: nothing at ${at} of ${highWatermark}`)
        this.#end = Math.max(this.#end, highWatermark)
        return found
      }
      for (const { offset, key, value } of await recordsIn(Buffer.concat(data.buffers))) {
        if (offset < at) continue
        if (offset <= last) throw new Violation(`compacted: ${offset} follows ${last}`)
        last = offset
        found.set(offset, { key: `${key}`, name: value === null ? undefined : nameIn(value) })
      }
      at = data.nextOffset
    }
  }

  /** Nobody appends any more, and all has its time: of each key there is one record in the end, and no tombstone. */
  async settles(engine: Engine, clock: FakeClock): Promise<void> {
    for (let check = 0; check < settlingChecks; check++) {
      await clock.advance(settlingMs)
      await engine.enforceRetention()
    }
    const there = new Map<string, number>()
    for (const [offset, { key, name }] of await this.#read(engine, 0)) {
      const before = there.get(key)
      if (before !== undefined)
        throw new Violation(`compacted: ${key} stays at ${before}, and is at ${offset}`)
      if (name === undefined) throw new Violation(`compacted: ${key}'s end at ${offset} stays`)
      there.set(key, offset)
    }
  }

  /** Compares with an engine that was just opened. */
  async verify(engine: Engine): Promise<void> {
    const { highWatermark } = await engine.ends(this.queue)
    if (highWatermark < this.#end)
      throw new Violation(`compacted: it ends at ${highWatermark}, not at ${this.#end}`)
    const found = await this.#read(engine, 0)
    const there = new Map<string, number>()
    for (const [offset, { key }] of found) there.set(key, offset)
    for (const [key, offset] of this.#newest) {
      const newest = there.get(key)
      const isTombstone = this.#known.get(offset)?.name === undefined
      if (newest === undefined && isTombstone) continue
      if (newest === undefined || newest < offset)
        throw new Violation(`compacted: ${key} was at ${offset}, its newest is at ${newest}`)
    }
    this.#see(found)
    const bytes = (await engine.sizesOf([this.queue]))[0] ?? 0
    if (bytes < 0 || (bytes === 0 && found.size > 0))
      throw new Violation(`compacted: ${found.size} records and ${bytes} bytes`)
  }
}

function nameIn(value: Buffer): string {
  return `${value}`.split(':', 1)[0] as string
}

async function recordsIn(bytes: Buffer): Promise<BatchRecord[]> {
  const batches = parseBatches(bytes, { ...storedBatch, records: true })
  if (isBatchFault(batches)) throw new Violation(`a read gave no batches: ${batches.text}`)
  const all: BatchRecord[] = []
  for (const batch of batches) all.push(...(await records(batch)))
  return all
}
