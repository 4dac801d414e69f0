/**
 * LevelDB: the log's index and a view of its state, as of one address of the log. It is never the authority: what is
 * missing, old or broken here is rebuilt from snapshot and log.
 *
 * Keys: `m` + name: about the view itself. `s` + key (state/codec.ts): a row. `i` + queue uid (4 bytes) + first offset
 * (8 bytes): an index block. `k` + topic id (16 bytes) + sequence (8 bytes): keys of records (key-table.ts). `u` +
 * segment id (8 bytes): what of which queue the segment holds (segment-usage.ts). `c` + queue uid (4 bytes): how far the
 * queue is compacted (JSON).
 */
import { Level } from 'level'
import type { Compacted } from './compaction/compacted.ts'
import type { QueueUid, TopicId } from './contract.ts'
import { OpenError } from './errors.ts'
import { decodeIndexBlock, IndexBlock, type IndexWrite, indexBlocksOf } from './index-block.ts'
import type { KeyBlock } from './key-table.ts'
import { readInt64, writeInt64 } from './layout/integers.ts'
import type { Address } from './layout/types.ts'
import { type RunEntry, RunList } from './run-list.ts'
import type { UsageBlock } from './segment-usage.ts'
import { decodeKey, decodeRow, encodeKey, encodeRow, keyRange } from './state/codec.ts'
import type { StateKey, TimerRow } from './state/rows.ts'
import { type StoredKey, type StoredRow, storedKeyOf } from './state/stored-rows.ts'

/** A LevelDB, or what behaves like one in tests. */
export type Database = Level<Buffer, Buffer>

/** Opens (and locks) the database in the folder; making it if it is not there. */
export function openLevel(path: string): Database {
  return new Level<Buffer, Buffer>(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    // Index blocks and rows are small; what readers need often is cached decoded.
    cacheSize: 4 * 1024 * 1024,
    writeBufferSize: 4 * 1024 * 1024
  })
}

/** Raised when the view gets something that an older one has not: an older view is made anew. */
export const viewVersion = 2

/** How far the view has come. */
export interface ViewMark {
  readonly version: number
  readonly storeId: string
  /** The view holds everything before this address; the next group there has sequence + 1. */
  readonly applied: Address
  readonly sequence: number
  readonly appendTimeMs: number
  /** Where the last group before the address stands, in the same segment; -1 if it has none yet. */
  readonly lastGroupPosition: number
}

export type RowWrite =
  | { readonly put: StoredRow; readonly key?: StoredKey }
  | { readonly delete: StoredKey }

const viewKey = Buffer.from('mview')
const rowPrefix = Buffer.from('s')
const rowsEnd = Buffer.from('t')
/** What a checkpoint writes besides rows. */
export interface ViewWrites {
  readonly blocks: Iterable<IndexWrite>
  readonly keys: readonly KeyBlock[]
  readonly usage: readonly UsageBlock[]
}

/**
 * What goes into one LevelDB batch, about: a checkpoint of a large store must not build one huge one, and everything
 * else gets a turn while a batch is written.
 */
const batchWritesMax = 500
const batchBytesMax = 64 * 1024

const timerKeys = keyRange('timer')
const timersRange = {
  gte: Buffer.concat([rowPrefix, timerKeys.gte]),
  lt: Buffer.concat([rowPrefix, timerKeys.lt])
}
/** Rows read together. */
const rowsAtOnce = 1000

type Write = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer }

export class IndexDb {
  readonly #db: Database

  private constructor(db: Database) {
    this.#db = db
  }

  /** Throws OpenError `locked` where another process has it. */
  static async open(db: Database): Promise<IndexDb> {
    try {
      await db.open()
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause
      if (cause?.code === 'LEVEL_LOCKED')
        throw new OpenError('locked', 'the data folder is in use by another process', {
          cause: error
        })
      throw error
    }
    return new IndexDb(db)
  }

  async viewMark(): Promise<ViewMark | undefined> {
    return parse<ViewMark>(await this.#db.get(viewKey))
  }

  /** The next open finds no view, and makes it anew. */
  async forgetMark(): Promise<void> {
    await this.#db.del(viewKey, { sync: true })
  }

  /**
   * Brings the view to `mark`, durably. A view cut off in between still has the old mark: rows are absolute, so that
   * the log is applied over them once more without harm.
   */
  async checkpoint(
    mark: ViewMark,
    rows: Iterable<RowWrite>,
    { blocks, keys, usage }: ViewWrites
  ): Promise<void> {
    await this.#writeAll(function* () {
      for (const { topicId, bytes } of keys) yield put(keysKey(topicId, mark.sequence), bytes)
      for (const { segment, bytes } of usage) yield put(usageKey(segment), bytes)
      for (const block of blocks) yield putOfBlock(block)
      for (const row of rows) yield writeOf(row)
    })
    await this.#db.put(viewKey, json(mark), { sync: true })
  }

  /** Index blocks ahead of the next checkpoint, which makes them durable. */
  async putBlocks(blocks: Iterable<IndexWrite>): Promise<void> {
    await this.#writeAll(function* () {
      for (const block of blocks) yield putOfBlock(block)
    })
  }

  /** Rows ahead of the next checkpoint: replay from the mark that is there gives them once more. */
  async putRows(rows: readonly RowWrite[]): Promise<void> {
    await this.#db.batch(rows.map(writeOf))
  }

  /** Batch by batch, each made while the one before is there already. */
  async #writeAll(all: () => Iterable<Write>): Promise<void> {
    let writes: Write[] = []
    let bytes = 0
    for (const write of all()) {
      writes.push(write)
      if (write.type === 'put') bytes += write.value.length
      if (writes.length < batchWritesMax && bytes < batchBytesMax) continue
      await this.#db.batch(writes)
      writes = []
      bytes = 0
    }
    if (writes.length > 0) await this.#db.batch(writes)
  }

  /** All rows but those of timers, many at a time. */
  async *rows(): AsyncIterable<readonly StoredRow[]> {
    const before = { gte: rowPrefix, lt: timersRange.gte }
    const behind = { gte: timersRange.lt, lt: rowsEnd }
    for (const range of [before, behind]) {
      const rows = this.#db.iterator(range)
      try {
        for (;;) {
          const some = await rows.nextv(rowsAtOnce)
          if (some.length === 0) break
          yield some.map(([key, value]) => decodeRow(decodeKey(key.subarray(1)).family, value))
        }
      } finally {
        await rows.close()
      }
    }
  }

  /** The rows of all timers as they are stored, many at a time. */
  async *timers(): AsyncIterable<readonly Buffer[]> {
    const values = this.#db.values(timersRange)
    try {
      for (;;) {
        const some = await values.nextv(rowsAtOnce)
        if (some.length === 0) return
        yield some
      }
    } finally {
      await values.close()
    }
  }

  /** Timers by their keys, in that order; undefined where there is none. */
  async timersAt(keys: readonly StateKey<'timer'>[]): Promise<readonly (TimerRow | undefined)[]> {
    const values = await this.#db.getMany(keys.map(rowKey))
    return values.map((value) => {
      const entry = value && decodeRow('timer', value)
      return entry?.family === 'timer' ? entry.row : undefined
    })
  }

  /** The block that may hold `offset`: the last that begins at or before it. */
  async block(queue: QueueUid, offset: number): Promise<IndexBlock | undefined> {
    const range = { gte: blockKey(queue, 0), lte: blockKey(queue, offset), reverse: true }
    return (await this.#some(range, 1))[0]
  }

  /** The first blocks that begin at or after `offset`, at most `countMax`; fewer only where there are no more. */
  blocksFrom(queue: QueueUid, offset: number, countMax: number): Promise<readonly IndexBlock[]> {
    return this.#some(
      { gte: blockKey(queue, offset), lt: blockKey(queue + 1, 0), reverse: false },
      countMax
    )
  }

  async #some(
    range: { gte: Buffer; reverse: boolean } & ({ lte: Buffer } | { lt: Buffer }),
    countMax: number
  ): Promise<IndexBlock[]> {
    const iterator = this.#db.iterator({ ...range, limit: countMax })
    try {
      const found = await iterator.nextv(countMax)
      return found.map(([key, value]) => new IndexBlock(readInt64(key, 5), value))
    } finally {
      await iterator.close()
    }
  }

  /** Forgets index blocks of a queue that hold nothing at or after `logStart`. */
  async trimQueue(queue: QueueUid, logStart: number): Promise<void> {
    const holder = await this.block(queue, logStart)
    if (holder === undefined) return
    const end = holder.runs.nextOffset() <= logStart ? logStart : holder.firstOffset
    await this.#db.clear({ gte: blockKey(queue, 0), lt: blockKey(queue, end) })
  }

  /** Replaces the entries of a queue's runs around `[from, to)` by what `replace` makes of them, all at once. */
  async replaceRuns(
    queue: QueueUid,
    from: number,
    to: number,
    replace: (old: readonly RunEntry[]) => readonly RunEntry[]
  ): Promise<void> {
    const first = (await this.block(queue, from))?.firstOffset ?? from
    const old: RunEntry[] = []
    const writes: Write[] = []
    const range = { gte: blockKey(queue, first), lt: blockKey(queue, to) }
    for await (const [key, value] of this.#db.iterator(range)) {
      const runs = decodeIndexBlock(value)
      for (let i = 0; i < runs.length; i++) old.push(runs.at(i))
      writes.push({ type: 'del', key })
    }
    const runs = new RunList()
    for (const run of replace(old)) runs.push(run)
    const whole = { queue: { uid: queue, runs, gone: false }, count: runs.length }
    for (const block of indexBlocksOf([whole])) writes.push(putOfBlock(block))
    await this.#db.batch(writes)
  }

  /** What a segment held when the view was last written; undefined if nothing is known. */
  async usage(segment: number): Promise<Buffer | undefined> {
    return await this.#db.get(usageKey(segment))
  }

  /** Usage of segments ahead of the next checkpoint. */
  async putUsage(usage: readonly UsageBlock[]): Promise<void> {
    for (const { segment, bytes } of usage) await this.#db.put(usageKey(segment), bytes)
  }

  async dropUsage(segment: number): Promise<void> {
    await this.#db.del(usageKey(segment))
  }

  async compacted(queue: QueueUid): Promise<Compacted | undefined> {
    return parse<Compacted>(await this.#db.get(compactedKey(queue)))
  }

  /** Durable with the next checkpoint. */
  async putCompacted(queue: QueueUid, compacted: Compacted): Promise<void> {
    await this.#db.put(compactedKey(queue), json(compacted))
  }

  /** Forgets the index of a queue whose topic is gone. */
  async dropQueue(queue: QueueUid): Promise<void> {
    await this.#db.del(compactedKey(queue))
    await this.#db.clear({ gte: blockKey(queue, 0), lt: blockKey(queue + 1, 0) })
  }

  /** Blocks of a topic's keys, the newest first. */
  async *keyBlocks(topicId: TopicId): AsyncIterable<Buffer> {
    const range = { gte: keysKey(topicId, 0), lt: keysKey(topicId, Number.MAX_SAFE_INTEGER) }
    for await (const value of this.#db.values({ ...range, reverse: true })) yield value
  }

  /**
   * Forgets those of a topic's blocks that were written at `from` to `to` or are the first after that, where nobody can
   * find anything by them any more.
   */
  async dropDeadKeys(
    topicId: TopicId,
    from: number,
    to: number,
    isDead: (block: Buffer) => boolean
  ): Promise<void> {
    const range = { gte: keysKey(topicId, from), lt: keysKey(topicId, Number.MAX_SAFE_INTEGER) }
    for await (const [key, block] of this.#db.iterator(range)) {
      if (isDead(block)) await this.#db.del(key)
      if (readInt64(key, 17) > to) return
    }
  }

  /** Keys ahead of the next checkpoint. */
  async putKeys(sequence: number, keys: readonly KeyBlock[]): Promise<void> {
    for (const { topicId, bytes } of keys) await this.#db.put(keysKey(topicId, sequence), bytes)
  }

  /** Forgets the keys of a topic that is gone. */
  async dropKeys(topicId: TopicId): Promise<void> {
    await this.#db.clear({
      gte: keysKey(topicId, 0),
      lt: keysKey(topicId, Number.MAX_SAFE_INTEGER)
    })
  }

  /** Forgets where runs and keys are, for them to be found again; rows stay. */
  async clearIndex(): Promise<void> {
    for (const prefix of ['i', 'k', 'u'])
      await this.#db.clear({
        gte: Buffer.from(prefix),
        lt: Buffer.from([prefix.charCodeAt(0) + 1])
      })
  }

  /** Empties the whole database, for a rebuild. */
  async clear(): Promise<void> {
    await this.#db.clear()
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}

function put(key: Buffer, value: Buffer): Write {
  return { type: 'put', key, value }
}

function putOfBlock({ queue, firstOffset, block }: IndexWrite): Write {
  return put(blockKey(queue, firstOffset), block)
}

function writeOf(row: RowWrite): Write {
  return 'put' in row
    ? put(rowKey(row.key ?? storedKeyOf(row.put)), encodeRow(row.put))
    : { type: 'del', key: rowKey(row.delete) }
}

function rowKey(key: StoredKey): Buffer {
  return Buffer.concat([rowPrefix, encodeKey(key)])
}

function blockKey(queue: QueueUid, offset: number): Buffer {
  const key = Buffer.alloc(13)
  key[0] = 0x69 // i
  key.writeUInt32BE(queue, 1)
  writeInt64(key, 5, offset)
  return key
}

function keysKey(topicId: TopicId, sequence: number): Buffer {
  const key = Buffer.alloc(25)
  key[0] = 0x6b // k
  key.write(topicId, 1, 'hex')
  writeInt64(key, 17, sequence)
  return key
}

function usageKey(segment: number): Buffer {
  const key = Buffer.alloc(9)
  key[0] = 0x75 // u
  writeInt64(key, 1, segment)
  return key
}

function compactedKey(queue: QueueUid): Buffer {
  return Buffer.concat([Buffer.from('c'), blockKey(queue, 0).subarray(1, 5)])
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}

/** A mark that cannot be read counts as none: the view is rebuilt. */
function parse<T>(bytes: Buffer | undefined): T | undefined {
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(bytes.toString()) as T
  } catch {
    return undefined
  }
}
