/**
 * LevelDB: the log's index and a view of its state, as of one address of the log. It is never the authority: what is
 * missing, old or broken here is rebuilt from snapshot and log.
 *
 * Keys: `m` + name: about the view itself. `s` + key (state/codec.ts): a row. `i` + queue uid (4 bytes) + first offset
 * (8 bytes): an index block. `k` + topic id (16 bytes) + sequence (8 bytes): keys of records (key-table.ts). `t` + topic
 * id: the sum of the topic's (checked-db.ts). `u` + segment id (8 bytes): what of which queue the segment holds
 * (segment-usage.ts). `c` + queue uid (4 bytes): how far the queue is compacted (JSON).
 */
import { CheckedDb, type Range, type Sums, type ViewSnapshot, type Write } from './checked-db.ts'
import type { Compacted } from './compaction/compacted.ts'
import type { QueueUid, TopicId } from './contract.ts'
import type { Databases, OpeningOptions } from './databases.ts'
import { decodeIndexBlock, IndexBlock, type IndexWrite, indexBlocksOf } from './index-block.ts'
import {
  blockKey,
  compactedKey,
  keysKey,
  keysRange,
  keysSumKey,
  rangeOf,
  sumKeyOfKeys,
  usageKey
} from './index-keys.ts'
import type { KeyBlock } from './key-table.ts'
import { readInt64 } from './layout/integers.ts'
import type { Address } from './layout/types.ts'
import { type BatchPace, writeInBatches } from './paced-batches.ts'
import { type RunEntry, RunList } from './run-list.ts'
import type { UsageBlock } from './segment-usage.ts'
import { decodeKey, decodeRow, encodeKey, encodeRow, keyRange } from './state/codec.ts'
import type { StateKey, TimerRow } from './state/rows.ts'
import { type StoredKey, type StoredRow, storedKeyOf } from './state/stored-rows.ts'

/** Raised when the view gets something that an older one has not: an older view is made anew. */
export const viewVersion = 4

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

export type { ViewSnapshot } from './checked-db.ts'

export type RowWrite =
  | { readonly put: StoredRow; readonly key?: StoredKey }
  | { readonly delete: StoredKey }

export const viewKey = Buffer.from('mview')
export const rowPrefix = Buffer.from('s')
/** What a checkpoint writes besides rows. */
export interface ViewWrites {
  readonly blocks: Iterable<IndexWrite>
  readonly keys: readonly KeyBlock[]
  readonly usage: readonly UsageBlock[]
}

const timerKeys = keyRange('timer')
const timersRange = {
  gte: Buffer.concat([rowPrefix, timerKeys.gte]),
  lt: Buffer.concat([rowPrefix, timerKeys.lt])
}
/** What must be there whole: rows, sums of keys, and what segments hold, by which they are deleted. */
export const summedRange = { gte: rowPrefix, lt: Buffer.from('v') }
export const indexSums: Sums = { isRow: isSummed, partOf: sumKeyOfKeys }

export class IndexDb {
  readonly #db: CheckedDb
  readonly #opening: OpeningOptions
  #told: Promise<void> | undefined
  /** Why LevelDB had to be made anew to be opened; undefined if it had not. */
  readonly remade: string | undefined

  private constructor(db: CheckedDb, remade: string | undefined, opening: OpeningOptions) {
    this.#db = db
    this.remade = remade
    this.#opening = opening
  }

  /** Rejects with OpenError. */
  static async open(databases: Databases, options: OpeningOptions = {}): Promise<IndexDb> {
    const { db, remade } = await CheckedDb.open(databases, indexSums, viewKey, options.anew)
    return new IndexDb(db, remade, options)
  }

  /** `onFailed` is called once, when a write failed or damage was found: this view cannot be gone on with. */
  watch(onFailed: (error: Error) => void): void {
    this.#db.onFailed = onFailed
  }

  async viewMark(): Promise<ViewMark | undefined> {
    return parse<ViewMark>(await this.#db.get(viewKey))
  }

  /** The next open finds no view, and makes it anew. */
  async forgetMark(): Promise<void> {
    await this.#db.batch([{ type: 'del', key: viewKey }], { sync: true })
  }

  /**
   * Brings the view to `mark`, durably. A view cut off in between still has the old mark: rows are absolute, so that
   * the log is applied over them once more without harm.
   */
  async checkpoint(
    mark: ViewMark,
    rows: Iterable<RowWrite>,
    { blocks, keys, usage }: ViewWrites,
    pace?: BatchPace
  ): Promise<void> {
    const writes = function* (): Iterable<Write> {
      for (const { topicId, bytes } of keys) yield put(keysKey(topicId, mark.sequence), bytes)
      for (const { segment, bytes } of usage) yield put(usageKey(segment), bytes)
      for (const block of blocks) yield putOfBlock(block)
      for (const row of rows) yield writeOf(row)
    }
    await writeInBatches(this.#db, writes(), pace)
    await this.#db.batch([put(viewKey, json(mark))], { sync: true })
  }

  /** Index blocks ahead of the next checkpoint, which makes them durable. */
  async putBlocks(blocks: Iterable<IndexWrite>): Promise<void> {
    const writes = function* (): Iterable<Write> {
      for (const block of blocks) yield putOfBlock(block)
    }
    await writeInBatches(this.#db, writes())
  }

  /** Rows ahead of the next checkpoint: replay from the mark that is there gives them once more. */
  async putRows(rows: readonly RowWrite[]): Promise<void> {
    await this.#db.batch(rows.map(writeOf))
  }

  /**
   * All rows, once, before any is written. Those of timers are given as they are stored, many at a time. Rejects with
   * IndexDamagedError where any is missing or is not the newest.
   */
  async readRows(
    onRow: (row: StoredRow) => void,
    onTimers: (rows: readonly Buffer[]) => void
  ): Promise<void> {
    if (this.#opening.readAll === true)
      for await (const _ of this.#db.entriesTogether({ gte: Buffer.alloc(1) }));
    for await (const some of this.#db.summed(summedRange)) {
      const timers: Buffer[] = []
      for (const [key, value] of some) {
        if (key[0] !== rowPrefix[0]) continue
        const { family } = decodeKey(key.subarray(1))
        if (family === 'timer') timers.push(value)
        else onRow(decodeRow(family, value))
      }
      onTimers(timers)
    }
    this.#tellOpened()
  }

  /** What is there now, for a reader that writers do not wait for; to be closed. */
  snapshot(): ViewSnapshot {
    return this.#db.snapshot()
  }

  /** The rows of all timers as they were stored then, many at a time. */
  async *timers(snapshot: ViewSnapshot): AsyncIterable<readonly Buffer[]> {
    for await (const some of this.#db.entriesTogether({ ...timersRange, snapshot }))
      yield some.map(([, value]) => value)
  }

  /** Timers by their keys, in that order; undefined where there is none. */
  async timersAt(keys: readonly StateKey<'timer'>[]): Promise<readonly (TimerRow | undefined)[]> {
    const values = await this.#db.getMany(keys.map(rowKey))
    return values.map((value) => {
      const entry = value && decodeRow('timer', value)
      return entry?.family === 'timer' ? entry.row : undefined
    })
  }

  /** The last block that starts at or before `offset`. */
  async block(queue: QueueUid, offset: number): Promise<IndexBlock | undefined> {
    const range = { gte: blockKey(queue, 0), lte: blockKey(queue, offset), reverse: true }
    return (await this.#some(range, 1))[0]
  }

  /** The first blocks that start at or after `offset`, at most `countMax`; fewer only where there are no more. */
  blocksFrom(queue: QueueUid, offset: number, countMax: number): Promise<readonly IndexBlock[]> {
    return this.#some({ gte: blockKey(queue, offset), lt: blockKey(queue + 1, 0) }, countMax)
  }

  /**
   * A block that `offset` is within, though a later one starts before it: a replay that was cut off leaves blocks that are
   * as true as those that follow, and end elsewhere.
   */
  async olderBlock(queue: QueueUid, offset: number): Promise<IndexBlock | undefined> {
    const range = { gte: blockKey(queue, 0), lte: blockKey(queue, offset), reverse: true }
    for await (const entry of this.#db.entries(range)) {
      const block = blockOf(entry)
      if (offset < block.end) return block
    }
    return undefined
  }

  /** Says that the view cannot be gone on with; returns what to throw. */
  damaged(why: string): Error {
    return this.#db.damaged(why)
  }

  async #some(range: Range, countMax: number): Promise<IndexBlock[]> {
    const found: IndexBlock[] = []
    for await (const some of this.#db.entriesTogether({ ...range, limit: countMax }))
      for (const entry of some) found.push(blockOf(entry))
    return found
  }

  /** Forgets index blocks of a queue that hold nothing at or after `logStart`. */
  async trimQueue(queue: QueueUid, logStart: number): Promise<void> {
    const holder = await this.block(queue, logStart)
    if (holder === undefined) return
    const end = holder.end <= logStart ? logStart : holder.start
    await this.#db.clear({ gte: blockKey(queue, 0), lt: blockKey(queue, end) })
  }

  /** Replaces the entries of a queue's runs around `[from, to)` by what `replace` makes of them, all at once. */
  async replaceRuns(
    queue: QueueUid,
    from: number,
    to: number,
    replace: (old: readonly RunEntry[]) => readonly RunEntry[]
  ): Promise<void> {
    const start = (await this.block(queue, from))?.start ?? from
    let end = to
    const old: RunEntry[] = []
    const writes: Write[] = []
    const range = { gte: blockKey(queue, start), lt: blockKey(queue, to) }
    for await (const [key, value] of this.#db.entries(range)) {
      const block = decodeIndexBlock(value)
      for (let i = 0; i < block.runs.length; i++) old.push(block.runs.at(i))
      end = Math.max(end, block.end)
      writes.push({ type: 'del', key })
    }
    const runs = new RunList()
    for (const run of replace(old)) runs.push(run)
    const whole = { uid: queue, runs, gone: false, indexedEnd: start }
    for (const block of indexBlocksOf([{ queue: whole, count: runs.length, end }]))
      writes.push(putOfBlock(block))
    await this.#db.batch(writes)
  }

  /** What a segment held when the view was last written; undefined if nothing is known. */
  async usage(segment: number): Promise<Buffer | undefined> {
    return await this.#db.get(usageKey(segment))
  }

  /** Usage of segments ahead of the next checkpoint. */
  async putUsage(usage: readonly UsageBlock[]): Promise<void> {
    for (const { segment, bytes } of usage) await this.#db.batch([put(usageKey(segment), bytes)])
  }

  async dropUsage(segment: number): Promise<void> {
    await this.#db.batch([{ type: 'del', key: usageKey(segment) }])
  }

  async compacted(queue: QueueUid): Promise<Compacted | undefined> {
    return parse<Compacted>(await this.#db.get(compactedKey(queue)))
  }

  /** Durable with the next checkpoint. */
  async putCompacted(queue: QueueUid, compacted: Compacted): Promise<void> {
    await this.#db.batch([put(compactedKey(queue), json(compacted))])
  }

  /** Forgets the index of queues whose topics are gone. */
  async dropQueues(queues: readonly QueueUid[]): Promise<void> {
    const writes = function* (): Iterable<Write> {
      for (const queue of queues) yield { type: 'del', key: compactedKey(queue) }
    }
    await writeInBatches(this.#db, writes())
    // A topic's queues mostly have uids that follow each other: one range, however many.
    const ascending = [...queues].sort((a, b) => a - b)
    for (let i = 0; i < ascending.length; ) {
      const first = ascending[i] as QueueUid
      let end = first
      while (i < ascending.length && ascending[i] === end) {
        end++
        i++
      }
      await this.#db.clear({ gte: blockKey(first, 0), lt: blockKey(end, 0) })
    }
  }

  /** Blocks of a topic's keys, the newest first. Rejects at the end where one is missing. */
  async *keyBlocks(topicId: TopicId): AsyncIterable<Buffer> {
    const range = { ...keysRange(topicId), reverse: true }
    for await (const [, value] of this.#db.part(range, keysSumKey(topicId))) yield value
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
    for await (const [key, block] of this.#db.entries(range)) {
      if (isDead(block)) await this.#db.batch([{ type: 'del', key }])
      if (readInt64(key, 17) > to) return
    }
  }

  /** Keys ahead of the next checkpoint. */
  async putKeys(sequence: number, keys: readonly KeyBlock[]): Promise<void> {
    for (const { topicId, bytes } of keys)
      await this.#db.batch([put(keysKey(topicId, sequence), bytes)])
  }

  /** Forgets the keys of topics that are gone. */
  async dropKeys(topicIds: readonly TopicId[]): Promise<void> {
    const writes = function* (): Iterable<Write> {
      for (const id of topicIds) yield { type: 'del', key: keysSumKey(id) }
    }
    await writeInBatches(this.#db, writes())
    for (const id of topicIds) await this.#db.clear(keysRange(id))
  }

  /** Forgets where runs and keys are, for them to be found again; rows stay. */
  async clearIndex(): Promise<void> {
    for (const prefix of ['t', 'u'])
      for await (const some of this.#db.entriesTogether(rangeOf(prefix)))
        await this.#db.batch(some.map(([key]) => ({ type: 'del', key })))
    for (const prefix of ['i', 'k']) await this.#db.clear(rangeOf(prefix))
  }

  /** Makes the whole database anew, empty, for a rebuild. Rejects with OpenError. */
  async remake(): Promise<void> {
    await this.#db.remake()
    this.#tellOpened()
  }

  async close(): Promise<void> {
    await this.#db.close()
    await this.#told
    await this.#opening.lives?.end().catch(() => undefined)
  }

  /** Nobody waits for it. */
  #tellOpened(): void {
    this.#told ??= this.#opening.lives?.opened().catch(() => undefined)
  }
}

function blockOf([key, value]: readonly [key: Buffer, value: Buffer]): IndexBlock {
  return new IndexBlock(readInt64(key, 5), value)
}

function put(key: Buffer, value: Buffer): Write {
  return { type: 'put', key, value }
}

function putOfBlock({ queue, start, block }: IndexWrite): Write {
  return put(blockKey(queue, start), block)
}

function writeOf(row: RowWrite): Write {
  return 'put' in row
    ? put(rowKey(row.key ?? storedKeyOf(row.put)), encodeRow(row.put))
    : { type: 'del', key: rowKey(row.delete) }
}

function isSummed(key: Buffer): boolean {
  return key.compare(summedRange.gte) >= 0 && key.compare(summedRange.lt) < 0
}

function rowKey(key: StoredKey): Buffer {
  return Buffer.concat([rowPrefix, encodeKey(key)])
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
