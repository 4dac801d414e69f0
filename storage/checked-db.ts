/**
 * LevelDB, distrusted: it checks the checksums of its blocks only where it is asked to, and its binding cannot ask;
 * of a damaged log it keeps what it can read, without a word. So every value carries a checksum of its own, over its
 * key too, and a sum over all rows says whether any is missing, doubled or old; parts of the rest have sums that are
 * rows themselves. What fails a write is written no more, and what is found damaged is forgotten: the next open makes
 * the view anew.
 */
import { crc32c } from '@node-rs/crc32'
import type { Database, Databases } from './databases.ts'
import { StoreError } from './errors.ts'
import { openErrorOf, whyDamaged } from './level-errors.ts'

export type Write =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

/** What a database held at one moment. */
export type ViewSnapshot = ReturnType<Database['snapshot']>

export interface Range {
  readonly gte: Buffer
  readonly lt?: Buffer
  readonly lte?: Buffer
  readonly reverse?: boolean
  readonly limit?: number
  readonly snapshot?: ViewSnapshot
}

/** The view holds what it must not, or lacks what it must have. */
export class IndexDamagedError extends StoreError {
  readonly why: string

  constructor(why: string, cause?: unknown) {
    super('io-failed', `the index is damaged: ${why}`, {}, { cause })
    this.name = 'IndexDamagedError'
    this.why = why
  }
}

const checksumBytes = 4
/** Where the sum of the rows stands. */
const sumKey = Buffer.from('mrows')
/** Sums are taken modulo this, so that they stay exact. */
const sumModulus = 2 ** 48
/** Entries read together, and about how many bytes of them. */
const entriesAtOnce = 1000
const bytesAtOnce = 256 * 1024

/** What of a database is summed. */
export interface Sums {
  /** Of all rows there is one sum. */
  readonly isRow: (key: Buffer) => boolean
  /** The row with the sum of the part that an entry belongs to; undefined for entries that are rows, or in no part. */
  readonly partOf?: (key: Buffer) => Buffer | undefined
}

/** Of rows or of a part: how many entries, and the sum of their checksums. */
interface Sum {
  readonly count: number
  readonly sum: number
}

const nothing: Sum = { count: 0, sum: 0 }

export class CheckedDb {
  readonly #databases: Databases
  readonly #sums: Sums
  /** What the next open must not find where this one found damage; undefined where nothing is to be changed. */
  readonly #markKey: Buffer | undefined
  #db: Database
  #rows: Sum = nothing
  #line: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  #isClosed = false
  /** Called once, with the first failed write or the first damage found. */
  onFailed: (error: Error) => void = () => undefined

  private constructor(databases: Databases, db: Database, sums: Sums, markKey?: Buffer) {
    this.#databases = databases
    this.#db = db
    this.#sums = sums
    this.#markKey = markKey
  }

  /**
   * A database that is damaged beyond opening is made anew, and so is one that there is a reason (`anew`) not to open;
   * `remade` says why. Rejects with OpenError: `locked` where another process has it, `io-failed` where the file system
   * refuses.
   */
  static async open(
    databases: Databases,
    sums: Sums,
    markKey: Buffer,
    anew?: string
  ): Promise<{ db: CheckedDb; remade: string | undefined }> {
    const level = databases.open()
    try {
      if (anew !== undefined) await databases.destroy()
      await level.open()
      return { db: new CheckedDb(databases, level, sums, markKey), remade: anew }
    } catch (error) {
      const why = whyDamaged(error)
      if (why === undefined) throw openErrorOf(error)
      const db = new CheckedDb(databases, level, sums, markKey)
      await db.remake()
      return { db, remade: why }
    }
  }

  /** For a checker: nothing is made anew or forgotten. Rejects with IndexDamagedError, else as `open`. */
  static async look(databases: Databases, sums: Sums): Promise<CheckedDb> {
    const level = databases.open()
    await level.open().catch((error: Error) => {
      const why = whyDamaged(error)
      throw why === undefined ? openErrorOf(error) : new IndexDamagedError(why, error)
    })
    return new CheckedDb(databases, level, sums)
  }

  /** Makes the database anew, empty. Rejects with OpenError. */
  async remake(): Promise<void> {
    try {
      await this.#db.close()
      await this.#databases.destroy()
      this.#db = this.#databases.open()
      await this.#db.open()
    } catch (error) {
      throw openErrorOf(error)
    }
    this.#rows = nothing
    this.#failure = undefined
  }

  /** To be closed. */
  snapshot(): ViewSnapshot {
    return this.#db.snapshot()
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    const value = await this.#reading(() => this.#db.get(key))
    return value === undefined ? undefined : this.#valueOf(key, value)
  }

  async getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    const values = await this.#reading(() => this.#db.getMany([...keys]))
    return keys.map((key, i) => values[i] && this.#valueOf(key, values[i]))
  }

  async *entries(range: Range): AsyncIterable<[key: Buffer, value: Buffer]> {
    for await (const some of this.entriesTogether(range)) yield* some
  }

  /** The same, many at a time. */
  async *entriesTogether(range: Range): AsyncIterable<readonly [key: Buffer, value: Buffer][]> {
    const iterator = this.#db.iterator({ ...range, highWaterMarkBytes: bytesAtOnce })
    let left = range.limit ?? Number.POSITIVE_INFINITY
    try {
      while (left > 0) {
        // Fewer than were asked for may come long before the end: what they have in bytes is bounded too.
        const size = Math.min(left, entriesAtOnce)
        const some = await this.#reading(() => iterator.nextv(size))
        if (some.length === 0) return
        left -= some.length
        yield some.map(([key, value]) => [key, this.#valueOf(key, value)])
      }
    } finally {
      await iterator.close()
    }
  }

  /** All entries that are summed, some at a time. Rejects, at the latest at the end, with IndexDamagedError. */
  async *summed(range: Range): AsyncIterable<readonly [key: Buffer, value: Buffer][]> {
    const wanted = sumIn(await this.get(sumKey))
    let found = nothing
    for await (const some of this.entriesTogether(range)) {
      for (const [key, value] of some) found = plus(found, 1, sumOf(key, value))
      yield some
    }
    if (found.count !== wanted.count || found.sum !== wanted.sum)
      throw this.damaged(`of ${wanted.count} rows ${found.count} are there, or they are old`)
    this.#rows = wanted
  }

  /** A whole part, in the order of `range`. Rejects, if read to its end, with IndexDamagedError where any is missing. */
  async *part(range: Range, key: Buffer): AsyncIterable<[key: Buffer, value: Buffer]> {
    const snapshot = this.#db.snapshot()
    try {
      const stored = await this.#reading(() => this.#db.get(key, { snapshot }))
      const wanted = sumIn(stored && this.#valueOf(key, stored))
      let found = nothing
      for await (const some of this.entriesTogether({ ...range, snapshot }))
        for (const entry of some) {
          found = plus(found, 1, sumOf(...entry))
          yield entry
        }
      if (found.count !== wanted.count || found.sum !== wanted.sum)
        throw this.damaged(`of ${wanted.count} entries ${found.count} are there, or they are old`)
    } finally {
      await snapshot.close()
    }
  }

  /** Writes all or nothing. */
  batch(writes: readonly Write[], options: { readonly sync?: boolean } = {}): Promise<void> {
    if (writes.length === 0) return Promise.resolve()
    // One after the other: each goes on from the sum that the one before it leads to.
    const done = this.#line.then(() => this.#batch(writes, options))
    this.#line = done.catch(() => undefined)
    return done
  }

  async #batch(writes: readonly Write[], options: { readonly sync?: boolean }): Promise<void> {
    const all: Write[] = [...writes, ...(await this.#partSums(writes))]
    const changes = lastOfEach(all.filter(({ key }) => this.#sums.isRow(key)))
    const rows = changes.length === 0 ? this.#rows : await this.#rowsAfter(changes)
    if (changes.length > 0) all.push(sumWrite(sumKey, rows))
    await this.#writing(() =>
      this.#db.batch(
        all.map((one) => (one.type === 'put' ? { ...one, value: withChecksum(one) } : one)),
        options
      )
    )
    this.#rows = rows
  }

  /** Not for rows, and of a part for all of it, once its sum is gone. */
  async clear(range: Range): Promise<void> {
    await this.#writing(() => this.#db.clear(range))
  }

  /** Says that the view cannot be gone on with, now or after a restart; returns what to throw. */
  damaged(why: string, cause?: unknown): IndexDamagedError {
    const error = new IndexDamagedError(why, cause)
    if (this.#failure === undefined) {
      this.#fail(error)
      // Should this fail too, the next open finds what this one found.
      if (this.#markKey !== undefined)
        void this.#db.del(this.#markKey, { sync: true }).catch(() => undefined)
    }
    return error
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#db.close()
  }

  #fail(error: Error): void {
    this.#failure = error
    this.onFailed(error)
  }

  #valueOf(key: Buffer, stored: Buffer): Buffer {
    const at = stored.length - checksumBytes
    if (at >= 0 && stored.readUInt32BE(at) === sumOf(key, stored.subarray(0, at)))
      return stored.subarray(0, at)
    throw this.damaged('an entry does not match its checksum')
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      const why = this.#isClosed ? undefined : whyDamaged(error)
      if (why !== undefined) throw this.damaged(why, error)
      throw error
    }
  }

  /** LevelDB that failed a write may lose later ones that it says it has: it gets none. */
  async #writing(write: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      await write()
    } catch (error) {
      if (!this.#isClosed && this.#failure === undefined) this.#fail(error as Error)
      throw error
    }
  }

  /** The sums of the parts that are written to. */
  async #partSums(writes: readonly Write[]): Promise<Write[]> {
    const { partOf } = this.#sums
    const changes = lastOfEach(writes.filter(({ key }) => partOf?.(key) !== undefined))
    if (changes.length === 0) return []
    const parts = changes.map(({ key }) => partOf?.(key) as Buffer)
    const keys = new Map(parts.map((key) => [key.toString('latin1'), key]))
    const stored = await this.getMany([...keys.values()])
    const sums = new Map([...keys.keys()].map((name, i) => [name, sumIn(stored[i])]))
    const before = await this.getMany(changes.map(({ key }) => key))
    for (const [i, change] of changes.entries()) {
      const name = (parts[i] as Buffer).toString('latin1')
      sums.set(name, changed(sums.get(name) ?? nothing, change, before[i]))
    }
    return [...sums].map(([name, sum]) => {
      const key = keys.get(name) as Buffer
      return sum.count === 0 ? { type: 'del', key } : sumWrite(key, sum)
    })
  }

  /** What changes of different rows make of their sum. */
  async #rowsAfter(changes: readonly Write[]): Promise<Sum> {
    const before = await this.getMany(changes.map(({ key }) => key))
    return changes.reduce((sum, change, i) => changed(sum, change, before[i]), this.#rows)
  }
}

/** A sum when `change` has taken the place of `old`. */
function changed(sum: Sum, change: Write, old: Buffer | undefined): Sum {
  const { key } = change
  const without = old === undefined ? sum : plus(sum, -1, -sumOf(key, old))
  return change.type === 'put' ? plus(without, 1, sumOf(key, change.value)) : without
}

/** Of several writes of a key the last one counts. */
function lastOfEach(writes: readonly Write[]): Write[] {
  return [...new Map(writes.map((one) => [one.key.toString('latin1'), one])).values()]
}

function sumIn(stored: Buffer | undefined): Sum {
  return stored === undefined ? nothing : (JSON.parse(stored.toString()) as Sum)
}

function plus({ count, sum }: Sum, entries: number, change: number): Sum {
  return { count: count + entries, sum: (sum + change + sumModulus) % sumModulus }
}

function sumOf(key: Buffer, value: Buffer): number {
  return crc32c(value, crc32c(key))
}

function withChecksum({ key, value }: { readonly key: Buffer; readonly value: Buffer }): Buffer {
  const stored = Buffer.allocUnsafe(value.length + checksumBytes)
  value.copy(stored)
  stored.writeUInt32BE(sumOf(key, value), value.length)
  return stored
}

function sumWrite(key: Buffer, sum: Sum): Write {
  return { type: 'put', key, value: Buffer.from(JSON.stringify(sum)) }
}
