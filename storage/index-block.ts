/**
 * A stretch of one queue's index as LevelDB holds it: the value under (queue uid, start). Stretches follow each other
 * without a gap, so that a missing one is noticed; runs need not fill theirs (damaged or compacted records have none).
 *
 * | bytes | field | |
 * |---|---|---|
 * | 1 | version | 2 |
 * | varint | end | offset at which the next stretch starts |
 * | varint | run count | |
 * | | runs | each field as the difference to what the run before leads one to expect |
 *
 * A run: segment (difference), position (difference to the end of the run before; absolute in a new segment), bytes,
 * offsets (gap to the run before, then count), append time (difference), max timestamp (difference to the append
 * time), running maximum (difference to the run before's), flags. All signed varints (layout/byte-writer.ts). On disk: do not change.
 */
import type { QueueUid } from './contract.ts'
import { ByteReader } from './layout/byte-reader.ts'
import { ByteWriter } from './layout/byte-writer.ts'
import { LayoutError } from './layout/layout-error.ts'
import { type RunEntry, RunList } from './run-list.ts'

const version = 2
/** Runs in one block; more begin a new one, so that a look-up decodes a bounded amount. */
export const blockRunsMax = 512

const origin: RunEntry = {
  baseOffset: 0,
  nextOffset: 0,
  segment: 0,
  position: 0,
  bytes: 0,
  appendTimeMs: 0,
  maxTimestamp: 0,
  runningMax: 0,
  flags: 0
}

/** Packs `count` runs of the list from index `from` on, for a stretch up to `end`. */
export function encodeIndexBlock(list: RunList, from: number, count: number, end: number): Buffer {
  const writer = new ByteWriter()
  writer.uint8(version)
  writer.varint(end)
  writer.varint(count)
  let last = origin
  for (let i = from; i < from + count; i++) {
    const run = list.at(i)
    const expected = run.segment === last.segment ? last.position + last.bytes : 0
    writer.signed(run.segment - last.segment)
    writer.signed(run.position - expected)
    writer.signed(run.bytes)
    writer.signed(run.baseOffset - last.nextOffset)
    writer.signed(run.nextOffset - run.baseOffset)
    writer.signed(run.appendTimeMs - last.appendTimeMs)
    writer.signed(run.maxTimestamp - run.appendTimeMs)
    writer.signed(run.runningMax - last.runningMax)
    writer.varint(run.flags)
    last = run
  }
  return writer.take()
}

export interface IndexWrite {
  readonly queue: QueueUid
  readonly start: number
  readonly block: Buffer
}

/** The first `count` runs of a queue, whose index is to reach up to `end`. */
export interface QueueRuns {
  readonly queue: {
    readonly uid: QueueUid
    readonly runs: RunList
    readonly gone: boolean
    readonly indexedEnd: number
  }
  readonly count: number
  readonly end: number
}

/** Packs runs of queues that still exist into blocks: each when it is asked for, so that a caller can pause. */
export function* indexBlocksOf(all: Iterable<QueueRuns>): Iterable<IndexWrite> {
  for (const { queue, count, end } of all) {
    let start = queue.indexedEnd
    for (let from = 0; start < end && !queue.gone; ) {
      const some = Math.min(blockRunsMax, count - from)
      const next = from + some === count ? end : queue.runs.at(from + some - 1).nextOffset
      yield { queue: queue.uid, start, block: encodeIndexBlock(queue.runs, from, some, next) }
      start = next
      from += some
    }
  }
}

export interface DecodedBlock {
  /** Offset at which the next block starts. */
  readonly end: number
  readonly runs: RunList
}

/** Throws LayoutError for bytes that are no index block. */
export function decodeIndexBlock(bytes: Buffer): DecodedBlock {
  const reader = new ByteReader(bytes)
  const found = reader.uint8()
  if (found !== version) throw new LayoutError('unsupported', `index block of version ${found}`)
  const end = reader.varint()
  const count = reader.varint()
  const list = new RunList()
  let last = origin
  for (let i = 0; i < count; i++) {
    const segment = last.segment + reader.signed()
    const expected = segment === last.segment ? last.position + last.bytes : 0
    const position = expected + reader.signed()
    const runBytes = reader.signed()
    const baseOffset = last.nextOffset + reader.signed()
    const nextOffset = baseOffset + reader.signed()
    const appendTimeMs = last.appendTimeMs + reader.signed()
    const maxTimestamp = appendTimeMs + reader.signed()
    const runningMax = last.runningMax + reader.signed()
    const flags = reader.varint()
    last = {
      baseOffset,
      nextOffset,
      segment,
      position,
      bytes: runBytes,
      appendTimeMs,
      maxTimestamp,
      runningMax,
      flags
    }
    list.push(last)
  }
  reader.done()
  return { end, runs: list }
}

/** A stretch of a queue's index, decoded when it is looked into. */
export class IndexBlock {
  /** Its first offset, whether there is a run at it or not. */
  readonly start: number
  readonly #bytes: Buffer
  #decoded: DecodedBlock | undefined

  constructor(start: number, bytes: Buffer) {
    this.start = start
    this.#bytes = bytes
  }

  /** Throws LayoutError. */
  get runs(): RunList {
    return this.#decode().runs
  }

  /** Offset at which the next block starts. Throws LayoutError. */
  get end(): number {
    return this.#decode().end
  }

  #decode(): DecodedBlock {
    this.#decoded ??= decodeIndexBlock(this.#bytes)
    return this.#decoded
  }
}
