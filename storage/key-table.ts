/**
 * Records by RocketMQ's keys: (hash of the key, queue, offset, append time), the newest in memory, older ones in
 * LevelDB in blocks of one topic and one checkpoint. A block: version (1 byte: 1), earliest and latest append time
 * (signed), count, then for each key hash (u32), queue uid, offset, append time after the earliest (varints), in the
 * order appended. On disk: do not change.
 */
import type { KeyMatch, KeyQuery, QueueUid, TopicId } from './contract.ts'
import { type HashedKey, keyHashOf } from './key-hash.ts'
import { ByteReader } from './layout/byte-reader.ts'
import { ByteWriter } from './layout/byte-writer.ts'
import { LayoutError } from './layout/layout-error.ts'

const version = 1
/** hash, queue uid, offset, append time. */
const stride = 4

export interface KeyBlock {
  readonly topicId: TopicId
  readonly bytes: Buffer
}

/** Whether a record is still to be read. */
export type IsThere = (queue: QueueUid, offset: number) => boolean

type Held = Map<TopicId, number[]>

export class KeyTable {
  #held: Held = new Map()
  /** What a checkpoint is writing: still found until it is in LevelDB. */
  #leaving: Held = new Map()
  #count = 0

  /** Keys in memory that no checkpoint has taken. */
  get count(): number {
    return this.#count
  }

  add(topicId: TopicId, queue: QueueUid, keys: readonly HashedKey[], appendTimeMs: number): void {
    if (keys.length === 0) return
    let rows = this.#held.get(topicId)
    if (rows === undefined) {
      rows = []
      this.#held.set(topicId, rows)
    }
    for (const { hash, offset } of keys) rows.push(hash, queue, offset, appendTimeMs)
    this.#count += keys.length
  }

  /** Hands over all keys to a checkpoint; `written` says that LevelDB has them. */
  take(): KeyBlock[] {
    this.#leaving = this.#held
    this.#held = new Map()
    this.#count = 0
    return [...this.#leaving].map(([topicId, rows]) => ({ topicId, bytes: encode(rows) }))
  }

  written(): void {
    this.#leaving = new Map()
  }

  forget(topicId: TopicId): void {
    this.#count -= (this.#held.get(topicId)?.length ?? 0) / stride
    this.#held.delete(topicId)
    this.#leaving.delete(topicId)
  }

  /** Matches that are there, newest first. `older`: blocks of the topic from LevelDB, the newest first. */
  async find(query: KeyQuery, older: AsyncIterable<Buffer>, isThere: IsThere): Promise<KeyMatch[]> {
    const search = new Search(query, isThere)
    for (const held of [this.#held, this.#leaving]) {
      const rows = held.get(query.topicId)
      if (rows !== undefined && search.addRows(rows)) return search.result()
    }
    for await (const block of older) if (search.addBlock(block)) break
    return search.result()
  }
}

class Search {
  readonly #query: KeyQuery
  readonly #isThere: IsThere
  readonly #hash: number
  readonly #found = new Map<string, KeyMatch>()

  constructor(query: KeyQuery, isThere: IsThere) {
    this.#query = query
    this.#isThere = isThere
    this.#hash = keyHashOf(query.key)
  }

  /** Takes matches from the end on; true when there are enough. */
  addRows(rows: readonly number[]): boolean {
    const { fromMs, toMs, countMax } = this.#query
    for (let at = rows.length - stride; at >= 0; at -= stride) {
      if (this.#found.size >= countMax) return true
      const appendTimeMs = rows[at + 3] as number
      if (rows[at] !== this.#hash || appendTimeMs < fromMs || appendTimeMs > toMs) continue
      const match = { queue: rows[at + 1] as number, offset: rows[at + 2] as number, appendTimeMs }
      if (!this.#isThere(match.queue, match.offset)) continue
      // A checkpoint that was cut off may have left keys that were replayed and written again.
      this.#found.set(`${match.queue}:${match.offset}`, match)
    }
    return this.#found.size >= countMax
  }

  addBlock(block: Buffer): boolean {
    const reader = new ByteReader(block)
    const { earliest, latest } = readHead(reader)
    if (latest < this.#query.fromMs || earliest > this.#query.toMs) return false
    return this.addRows(readRows(reader, earliest))
  }

  result(): KeyMatch[] {
    return [...this.#found.values()]
  }
}

/** Whether none of a block's records is there any more. Throws LayoutError. */
export function isKeyBlockDead(block: Buffer, isThere: IsThere): boolean {
  const reader = new ByteReader(block)
  const rows = readRows(reader, readHead(reader).earliest)
  for (let at = 0; at < rows.length; at += stride)
    if (isThere(rows[at + 1] as number, rows[at + 2] as number)) return false
  return true
}

/** In the order of their time: runs that were copied were read by queue. */
function inOrder(rows: readonly number[]): readonly number[] {
  let isInOrder = true
  for (let at = stride + 3; at < rows.length && isInOrder; at += stride)
    isInOrder = (rows[at] as number) >= (rows[at - stride] as number)
  if (isInOrder) return rows
  const places = Array.from({ length: rows.length / stride }, (_, i) => i * stride)
  places.sort((a, b) => (rows[a + 3] as number) - (rows[b + 3] as number))
  return places.flatMap((at) => rows.slice(at, at + stride))
}

function encode(unordered: readonly number[]): Buffer {
  const rows = inOrder(unordered)
  const writer = new ByteWriter(rows.length * 4)
  let earliest = Number.POSITIVE_INFINITY
  let latest = Number.NEGATIVE_INFINITY
  for (let at = 3; at < rows.length; at += stride) {
    earliest = Math.min(earliest, rows[at] as number)
    latest = Math.max(latest, rows[at] as number)
  }
  writer.uint8(version)
  writer.signed(earliest)
  writer.signed(latest)
  writer.varint(rows.length / stride)
  for (let at = 0; at < rows.length; at += stride) {
    writer.uint32(rows[at] as number)
    writer.varint(rows[at + 1] as number)
    writer.varint(rows[at + 2] as number)
    writer.varint((rows[at + 3] as number) - earliest)
  }
  return writer.take()
}

function readHead(reader: ByteReader): { earliest: number; latest: number } {
  const found = reader.uint8()
  if (found !== version) throw new LayoutError('unsupported', `key block of version ${found}`)
  return { earliest: reader.signed(), latest: reader.signed() }
}

function readRows(reader: ByteReader, earliest: number): number[] {
  const rows: number[] = []
  const count = reader.count(reader.varint(), 7)
  for (let i = 0; i < count; i++)
    rows.push(reader.uint32(), reader.varint(), reader.varint(), reader.varint() + earliest)
  reader.done()
  return rows
}
