/**
 * What of which queue a segment holds: which offsets, how many bytes. Says whether a segment can go, and how large
 * queues are, without a look at every run. The open segment's is in memory; LevelDB has one block a segment (key `u`).
 * A block: version (1 byte: 1), count, then for each queue by ascending uid: uid (difference), first offset, offsets up
 * to the next (varints), bytes of its batches.
 */
import type { QueueUid } from './contract.ts'
import type { IndexDb } from './index-db.ts'
import { ByteReader } from './layout/byte-reader.ts'
import { ByteWriter } from './layout/byte-writer.ts'
import { LayoutError } from './layout/layout-error.ts'
import type { Stretch } from './layout/stretches.ts'

const version = 1
/** An entry's least bytes in a block. */
const entryBytesMin = 4

/** A queue's part of a segment. */
export interface QueueUsage {
  readonly queue: QueueUid
  /** Of the first record, or of the first that was compacted away before it. */
  readonly firstOffset: number
  /** After the last record, or the last that was compacted away behind it. */
  readonly nextOffset: number
  /** Of its batches. */
  readonly bytes: number
}

export interface UsageBlock {
  readonly segment: number
  readonly bytes: Buffer
}

interface Held {
  firstOffset: number
  nextOffset: number
  bytes: number
  /** Runs up to here were counted. */
  countedTo: number
}

export class SegmentUsage {
  readonly #segments = new Map<number, Map<QueueUid, Held>>()
  /** Those changed since the last checkpoint. */
  #dirty = new Set<number>()

  /** The segment exists, though nothing may be in it. */
  begin(segment: number): void {
    this.#of(segment)
    this.#dirty.add(segment)
  }

  /** Counts a run, once however often it is replayed. */
  add(
    segment: number,
    queue: QueueUid,
    run: { readonly baseOffset: number; readonly nextOffset: number; readonly bytes: number }
  ): void {
    const queues = this.#of(segment)
    this.#dirty.add(segment)
    const held = queues.get(queue)
    if (held === undefined) {
      const { baseOffset: firstOffset, nextOffset, bytes } = run
      queues.set(queue, { firstOffset, nextOffset, bytes, countedTo: nextOffset })
    } else if (run.baseOffset >= held.countedTo) {
      held.countedTo = run.nextOffset
      held.nextOffset = Math.max(held.nextOffset, run.nextOffset)
      held.bytes += run.bytes
    }
  }

  /** The segment stands for these offsets, whether records are left of them or not. */
  cover(segment: number, { queue, firstOffset, nextOffset }: Stretch): void {
    const queues = this.#of(segment)
    this.#dirty.add(segment)
    const held = queues.get(queue)
    if (held === undefined) {
      queues.set(queue, { firstOffset, nextOffset, bytes: 0, countedTo: firstOffset })
      return
    }
    held.firstOffset = Math.min(held.firstOffset, firstOffset)
    held.nextOffset = Math.max(held.nextOffset, nextOffset)
  }

  /** A segment that was made, and all that is in it. */
  put(segment: number, entries: Iterable<QueueUsage>): void {
    this.#segments.delete(segment)
    const queues = this.#of(segment)
    this.#dirty.add(segment)
    for (const { queue, ...held } of entries)
      queues.set(queue, { ...held, countedTo: held.nextOffset })
  }

  /** Takes up what LevelDB has of a segment that is added to. Throws LayoutError. */
  load(segment: number, block: Buffer): void {
    const queues = this.#of(segment)
    for (const { queue, ...held } of readUsageBlock(block))
      queues.set(queue, { ...held, countedTo: held.nextOffset })
  }

  /** Undefined where LevelDB alone has it. */
  get(segment: number): Iterable<QueueUsage> | undefined {
    const queues = this.#segments.get(segment)
    return queues && entriesOf(queues)
  }

  /** Segments that are in memory. */
  get held(): readonly number[] {
    return [...this.#segments.keys()]
  }

  /** What a checkpoint has to write. */
  take(): UsageBlock[] {
    const blocks: UsageBlock[] = []
    for (const segment of this.#dirty) {
      const queues = this.#segments.get(segment)
      if (queues !== undefined) blocks.push({ segment, bytes: encodeUsageBlock(queues) })
    }
    this.#dirty = new Set()
    return blocks
  }

  /** LevelDB has them: but for those that are added to, they leave memory. */
  written(blocks: readonly UsageBlock[], openSegment: number): void {
    for (const { segment } of blocks)
      if (segment !== openSegment && !this.#dirty.has(segment)) this.#segments.delete(segment)
  }

  clear(): void {
    this.#segments.clear()
    this.#dirty = new Set()
  }

  forget(segment: number): void {
    this.#segments.delete(segment)
    this.#dirty.delete(segment)
  }

  #of(segment: number): Map<QueueUid, Held> {
    let queues = this.#segments.get(segment)
    if (queues === undefined) {
      queues = new Map()
      this.#segments.set(segment, queues)
    }
    return queues
  }
}

function* entriesOf(queues: ReadonlyMap<QueueUid, Held>): Iterable<QueueUsage> {
  for (const [queue, { firstOffset, nextOffset, bytes }] of queues)
    yield { queue, firstOffset, nextOffset, bytes }
}

function encodeUsageBlock(queues: ReadonlyMap<QueueUid, Held>): Buffer {
  const writer = new ByteWriter(16 + queues.size * 12)
  writer.uint8(version)
  writer.varint(queues.size)
  let last = 0
  for (const [queue, held] of [...queues].sort(([a], [b]) => a - b)) {
    writer.varint(queue - last)
    writer.varint(held.firstOffset)
    writer.varint(held.nextOffset - held.firstOffset)
    writer.varint(held.bytes)
    last = queue
  }
  return writer.take()
}

/** What a live segment holds, from memory or from LevelDB; undefined where nothing is known. Throws LayoutError. */
export async function usageOf(
  segment: number,
  { usage, db }: { readonly usage: SegmentUsage; readonly db: IndexDb }
): Promise<Iterable<QueueUsage> | undefined> {
  const held = usage.get(segment)
  if (held !== undefined) return held
  const block = await db.usage(segment)
  return block && readUsageBlock(block)
}

/** Entries as they are read: whoever has seen enough stops. Throws LayoutError. */
export function* readUsageBlock(block: Buffer): Iterable<QueueUsage> {
  const reader = new ByteReader(block)
  const found = reader.uint8()
  if (found !== version) throw new LayoutError('unsupported', `usage block of version ${found}`)
  const count = reader.count(reader.varint(), entryBytesMin)
  let queue = 0
  for (let i = 0; i < count; i++) {
    queue += reader.varint()
    const firstOffset = reader.varint()
    const nextOffset = firstOffset + reader.varint()
    yield { queue, firstOffset, nextOffset, bytes: reader.varint() }
  }
  reader.done()
}
