/** Reads from segment files: whatever is no longer in the tail. Every batch's CRC is checked. */
import { crc32c } from '@node-rs/crc32'
import { batchHeaderBytes, batchUncheckedBytes } from './batch/record-batch.ts'
import { ChunkCache, type Loan } from './chunk-cache.ts'
import { StoreError } from './errors.ts'
import { approximateInt64 } from './layout/integers.ts'
import { runFlags } from './layout/types.ts'
import type { BulkTurns } from './ports.ts'
import type { Queue } from './queue.ts'
import type { RunIndex } from './run-index.ts'
import type { RunEntry } from './run-list.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { StoreSettings } from './settings.ts'

/** Ranges of a file this near to each other are read as one. */
const mergeGapBytes = 64 * 1024
/** Most that one call to the file system reads, unless a single run is larger. */
const readBytesMax = 1024 * 1024
/** Bytes of one queue that are checked before others have their turn, unless a single batch is larger. */
const checkBytes = 64 * 1024
/** Places inside runs that readers go on from. */
const cursorsMax = 4096

/** Bytes of a run to read, from somewhere inside it. */
interface Piece {
  readonly run: RunEntry
  readonly position: number
  readonly bytes: number
}

/** A place in a run, as the run stood when it was read: compaction writes it anew, elsewhere. */
interface Cursor {
  readonly run: RunEntry
  readonly within: number
}

/** How often a read looks where its records are, when segments are cleaned under it. */
const lookUpsMax = 4

function isFileGone(error: unknown): boolean {
  const cause = error instanceof StoreError ? (error.cause as NodeJS.ErrnoException) : undefined
  return cause?.code === 'ENOENT'
}

interface Gathered {
  readonly buffers: Buffer[]
  bytes: number
  nextOffset: number
  /** What the buffers are slices of, where that is memory to be given back. */
  readonly loans: Loan[]
}

export interface ColdData extends Readonly<Gathered> {
  /** The runs that were read from, in order. */
  readonly runs: readonly RunEntry[]
}

export class ColdReader {
  readonly #index: RunIndex
  readonly #files: SegmentFiles
  readonly #readsMax: number
  readonly #turns: BulkTurns
  readonly #chunks: ChunkCache
  #reading = 0
  readonly #line: (() => void)[] = []
  /** Where the batch of (queue, offset) stands, for readers that go on there. */
  readonly #cursors = new Map<string, Cursor>()
  corruptReads = 0

  /** `stableEnd`: up to where a segment's bytes will never change. */
  constructor(
    index: RunIndex,
    files: SegmentFiles,
    { coldReadsMax, coldCacheBytes }: Pick<StoreSettings, 'coldReadsMax' | 'coldCacheBytes'>,
    stableEnd: (segment: number) => number,
    turns: BulkTurns
  ) {
    this.#index = index
    this.#files = files
    this.#readsMax = coldReadsMax
    this.#turns = turns
    const read = (segment: number, position: number, target: Buffer) =>
      this.#readInto(target, segment, position)
    this.#chunks = new ChunkCache(coldCacheBytes, read, stableEnd)
  }

  /**
   * Whole batches from the one that holds `offset` on, at most `maxBytes`, but with `atLeastOne` the first whatever its
   * size. Nothing at or after `endOffset` is read. Rejects with corrupt or io-failed. The loans are the
   * caller's to end.
   */
  async read(
    queue: Queue,
    offset: number,
    endOffset: number,
    maxBytes: number,
    atLeastOne: boolean
  ): Promise<ColdData> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#read(queue, offset, endOffset, maxBytes, atLeastOne)
      } catch (error) {
        // The cleaner took the records elsewhere meanwhile.
        if (!isFileGone(error) || tries === lookUpsMax) throw error
        this.#index.forget(queue.uid)
      }
    }
  }

  async #read(
    queue: Queue,
    offset: number,
    endOffset: number,
    maxBytes: number,
    atLeastOne: boolean
  ): Promise<ColdData> {
    const runs = await this.#index.runsFrom(queue, offset, Math.max(maxBytes, 1))
    const out: Gathered = { buffers: [], bytes: 0, nextOffset: offset, loans: [] }
    const cursor = this.#takeCursor(queue, offset)
    let left = maxBytes
    const pieces: Piece[] = []
    for (const run of runs) {
      if (run.baseOffset >= endOffset) break
      if (pieces.length > 0 && left <= 0) break
      const skip = pieces.length === 0 ? skipOf(cursor, run) : 0
      // The first run without a cursor is read whole: where its batches begin is not known.
      const inside = pieces.length === 0 && skip === 0 && offset > run.baseOffset
      const wanted = inside
        ? run.bytes
        : Math.min(run.bytes - skip, Math.max(left, batchHeaderBytes))
      pieces.push({ run, position: run.position + skip, bytes: wanted })
      left -= wanted
    }
    try {
      await this.#readPieces(queue, pieces, maxBytes, atLeastOne, out)
    } catch (error) {
      for (const { release } of out.loans) release()
      throw error
    }
    return { ...out, runs }
  }

  async #readPieces(
    queue: Queue,
    pieces: readonly Piece[],
    maxBytes: number,
    atLeastOne: boolean,
    out: Gathered
  ): Promise<void> {
    for (let i = 0; i < pieces.length; ) {
      const from = i
      const start = (pieces[i] as Piece).position
      let end = start + (pieces[i] as Piece).bytes
      for (i++; i < pieces.length; i++) {
        const next = pieces[i] as Piece
        if (next.run.segment !== (pieces[from] as Piece).run.segment) break
        if (next.position < end || next.position - end > mergeGapBytes) break
        if (next.position + next.bytes - start > readBytesMax) break
        end = next.position + next.bytes
      }
      const first = pieces[from] as Piece
      const read = this.#readShared(queue, first.run.segment, start, end - start, out)
      const bytes = await read.catch((error: Error) => {
        // What is before it is given; who comes to it is told.
        if (out.bytes === 0) throw error
        return undefined
      })
      if (bytes === undefined) {
        if (out.bytes > 0) return
        throw this.#corrupt(queue, first, 0)
      }
      for (const piece of pieces.slice(from, i)) {
        const slice = bytes.subarray(piece.position - start, piece.position - start + piece.bytes)
        const more = await this.#takeBatches(queue, piece, slice, maxBytes, atLeastOne, out)
        if (!more) return
      }
    }
  }

  /** Takes the batches of one piece; false when the limit is reached or something is wrong after good data. */
  async #takeBatches(
    queue: Queue,
    piece: Piece,
    bytes: Buffer,
    maxBytes: number,
    atLeastOne: boolean,
    out: Gathered
  ): Promise<boolean> {
    let at = 0
    let from = -1
    let data = bytes
    const keep = (): void => {
      if (from >= 0) out.buffers.push(data.subarray(from, at))
      from = -1
    }
    const runEnd = piece.run.position + piece.run.bytes
    let granted = 0
    let due = piece.position === piece.run.position ? piece.run.baseOffset : out.nextOffset
    while (piece.position + at < runEnd) {
      const length = batchLengthAt(data, at)
      if (length === undefined || at + length > data.length) {
        // The piece was cut by the limit: enough, unless not even one batch is there.
        if (out.bytes > 0) break
        if (!atLeastOne && length !== undefined && length > maxBytes) break
        const rest = runEnd - piece.position - at
        if (data.length - at >= rest) throw this.#corrupt(queue, piece, at)
        const more = await this.#readRange(
          piece.run.segment,
          piece.position + at,
          Math.min(rest, Math.max(length ?? 0, maxBytes, batchHeaderBytes))
        )
        if (more === undefined) throw this.#corrupt(queue, piece, at)
        data = more
        piece = { run: piece.run, position: piece.position + at, bytes: data.length }
        at = 0
        continue
      }
      if (granted < length) {
        const wanted = Math.max(length, Math.min(checkBytes, data.length - at))
        if (!this.#turns.take(wanted)) await new Promise<void>((go) => this.#turns.wait(wanted, go))
        granted = wanted
      }
      granted -= length
      const baseOffset = approximateInt64(data, at)
      if (!isSound(data, at, length) || !mayFollow(baseOffset, due, piece.run)) {
        if (out.bytes > 0) break
        throw this.#corrupt(queue, piece, at)
      }
      const nextOffset = baseOffset + data.readInt32BE(at + 23) + 1
      due = nextOffset
      if (nextOffset > out.nextOffset) {
        const fits = out.bytes + length <= maxBytes || (out.bytes === 0 && atLeastOne)
        if (!fits) {
          keep()
          this.#putCursor(queue, out.nextOffset, piece, at)
          return false
        }
        if (from < 0) from = at
        out.bytes += length
        out.nextOffset = nextOffset
      }
      at += length
    }
    keep()
    const within = piece.position + at - piece.run.position
    if (within < piece.run.bytes) this.#putCursor(queue, out.nextOffset, piece, at)
    return within === piece.run.bytes
  }

  #corrupt(queue: Queue, piece: Piece, at: number): StoreError {
    this.corruptReads++
    return new StoreError(
      'corrupt',
      `queue ${queue.uid}: offsets ${piece.run.baseOffset} to ${piece.run.nextOffset - 1} in segment ${piece.run.segment} are damaged`,
      {
        queue: queue.uid,
        segment: piece.run.segment,
        position: piece.position + at,
        baseOffset: piece.run.baseOffset,
        nextOffset: piece.run.nextOffset
      }
    )
  }

  /** Out of the chunks that several queues' readers share, or alone. */
  async #readShared(
    queue: Queue,
    segment: number,
    position: number,
    bytes: number,
    out: Gathered
  ): Promise<Buffer | undefined> {
    const loan = await this.#chunks.lend(queue.uid, segment, position, bytes)
    if (loan === undefined) return this.#readRange(segment, position, bytes)
    out.loans.push(loan)
    return loan.bytes
  }

  /** Undefined where the file ends before the range does. */
  async #readRange(segment: number, position: number, bytes: number): Promise<Buffer | undefined> {
    const target = Buffer.allocUnsafeSlow(bytes)
    const got = await this.#readInto(target, segment, position)
    return got === bytes ? target : undefined
  }

  async #readInto(target: Buffer, segment: number, position: number): Promise<number> {
    await this.#enter()
    try {
      return await this.#files.use(segment, (file) => file.read(target, 0, target.length, position))
    } catch (error) {
      if (error instanceof StoreError) throw error
      throw new StoreError(
        'io-failed',
        `segment ${segment} cannot be read: ${(error as Error).message}`,
        {},
        { cause: error }
      )
    } finally {
      this.#leave()
    }
  }

  /** Few reads at a time: they share the thread pool with the log's writes. */
  async #enter(): Promise<void> {
    if (this.#reading < this.#readsMax) {
      this.#reading++
      return
    }
    await new Promise<void>((resolve) => this.#line.push(resolve))
  }

  #leave(): void {
    const next = this.#line.shift()
    if (next === undefined) this.#reading--
    else next()
  }

  #takeCursor(queue: Queue, offset: number): Cursor | undefined {
    return this.#cursors.get(`${queue.uid}:${offset}`)
  }

  #putCursor(queue: Queue, offset: number, { run, position }: Piece, at: number): void {
    const key = `${queue.uid}:${offset}`
    this.#cursors.delete(key)
    this.#cursors.set(key, { run, within: position + at - run.position })
    if (this.#cursors.size <= cursorsMax) return
    for (const oldest of this.#cursors.keys()) {
      this.#cursors.delete(oldest)
      return
    }
  }
}

/** How much of the run is before the cursor; 0 where it is of another run, or the same elsewhere. */
function skipOf(cursor: Cursor | undefined, { segment, position, bytes }: RunEntry): number {
  if (cursor === undefined || cursor.within >= bytes) return 0
  return cursor.run.segment === segment && cursor.run.position === position ? cursor.within : 0
}

/**
 * The batch's own CRC does not cover its base offset. Within a run one batch follows the other, but where some were
 * compacted away.
 */
function mayFollow(baseOffset: number, due: number, { flags, nextOffset }: RunEntry): boolean {
  if ((flags & runFlags.compacted) === 0) return baseOffset === due
  return baseOffset >= due && baseOffset < nextOffset
}

/** Length of the batch at `at`, header included; undefined if its header is not all there. */
function batchLengthAt(bytes: Buffer, at: number): number | undefined {
  if (at + batchHeaderBytes > bytes.length) return undefined
  return 12 + bytes.readInt32BE(at + 8)
}

function isSound(bytes: Buffer, at: number, length: number): boolean {
  if (length < batchHeaderBytes || bytes[at + 16] !== 2) return false
  const stored = bytes.readUInt32BE(at + 17)
  return crc32c(bytes.subarray(at + batchUncheckedBytes, at + length)) === stored
}
