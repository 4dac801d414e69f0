/** Reads for many queues at once: from the tail in memory where it can, from disk where it must. */

import type { ColdReader } from './cold-reader.ts'
import type {
  OriginOf,
  QueueData,
  QueueEnds,
  QueueRead,
  QueueReadResult,
  QueueUid,
  ReadRequest
} from './contract.ts'
import { StoreError } from './errors.ts'
import { readInt64 } from './layout/integers.ts'
import { runFlags } from './layout/types.ts'
import type { Queue } from './queue.ts'
import type { RunEntry } from './run-list.ts'
import type { TailRun } from './tail.ts'

/** A read of many queues that has so much is not filled up further. */
const enoughBytes = 8 * 1024 * 1024
/** Once it is known how little queues have, so much more than that is kept free for each. */
const shareOfLargest = 2
const shareBytesMin = 64 * 1024

/** One read while it is gathered: what a queue may take at most, and what there is room for. */
interface Gathering {
  readonly request: ReadRequest
  readonly results: QueueReadResult[]
  left: number
  hasData: boolean
  /** Most that a queue is given room for. */
  share: number
}

export class Reader {
  readonly #queues: ReadonlyMap<QueueUid, Queue>
  readonly #cold: ColdReader

  constructor(queues: ReadonlyMap<QueueUid, Queue>, cold: ColdReader) {
    this.#queues = queues
    this.#cold = cold
  }

  async read(request: ReadRequest): Promise<readonly QueueReadResult[]> {
    const { maxBytes, queues } = request
    const gathering: Gathering = {
      request,
      results: [],
      left: maxBytes,
      hasData: false,
      share: Number.POSITIVE_INFINITY
    }
    const enough = Math.min(maxBytes, enoughBytes)
    let places: number[] = queues.map((_, place) => place)
    for (;;) {
      const { skipped, read } = await this.#readSome(gathering, places)
      let largest = 0
      for (const place of read) {
        const result = gathering.results[place]
        const bytes = result === undefined || result instanceof StoreError ? 0 : result.bytes
        largest = Math.max(largest, bytes)
      }
      gathering.share = Math.max(largest * shareOfLargest, shareBytesMin)
      // Queues on disk took less than there was room for: others may have it.
      if (skipped.length === 0 || read.length === 0) return gathering.results
      if (maxBytes - gathering.left >= enough || gathering.left < gathering.share)
        return gathering.results
      places = skipped
    }
  }

  /** Reads those of the queues at these places that there is room for. Returns which it read on disk, and skipped. */
  async #readSome(
    gathering: Gathering,
    places: readonly number[]
  ): Promise<{ skipped: number[]; read: number[] }> {
    const { request, results, share } = gathering
    const skipped: number[] = []
    const read: number[] = []
    const reads: Promise<QueueReadResult>[] = []
    let reserved = 0
    let isFirst = !gathering.hasData
    for (const place of places) {
      const wanted = request.queues[place] as QueueRead
      const queue = this.#queues.get(wanted.queue)
      const refusal = whyNot(queue, wanted)
      if (refusal !== undefined || queue === undefined) {
        results[place] = refusal as StoreError
        continue
      }
      const budget = Math.min(wanted.maxBytes, gathering.left - reserved, share)
      const isAtEnd = wanted.offset === queue.highWatermark
      if (isAtEnd || (!isFirst && budget <= 0)) {
        if (!isAtEnd) skipped.push(place)
        results[place] = dataOf([], 0, wanted.offset, queue.ends(), new Origins(false))
        continue
      }
      const origins = new Origins(request.withOrigins === true)
      if (wanted.offset >= queue.tail.startOffset) {
        const data = readTail(queue, wanted.offset, budget, isFirst, origins)
        gathering.left -= data.bytes
        gathering.hasData ||= data.bytes > 0
        isFirst &&= data.bytes === 0
        results[place] = data
        continue
      }
      // How much comes back is known only later: what it may take is kept free, so that all read at once.
      reserved += Math.max(budget, 0)
      reads.push(this.#readCold(queue, wanted, budget, isFirst, origins, request.borrows === true))
      read.push(place)
      isFirst = false
    }
    for (const [i, result] of (await Promise.all(reads)).entries()) {
      results[read[i] as number] = result
      if (result instanceof StoreError) continue
      gathering.left -= result.bytes
      gathering.hasData ||= result.bytes > 0
    }
    return { skipped, read }
  }

  async #readCold(
    queue: Queue,
    wanted: QueueRead,
    maxBytes: number,
    atLeastOne: boolean,
    origins: Origins,
    borrows: boolean
  ): Promise<QueueReadResult> {
    try {
      const { offset } = wanted
      const data = await this.#cold.read(queue, offset, queue.highWatermark, maxBytes, atLeastOne)
      const { loans } = data
      const release = (): void => {
        for (const loan of loans) loan.release()
      }
      const since = whyNot(queue.gone ? undefined : queue, wanted)
      if (since !== undefined) {
        release()
        return since
      }
      for (const run of data.runs) if (run.baseOffset < data.nextOffset) origins.add(run)
      const { buffers, bytes, nextOffset } = data
      if (loans.length === 0) return dataOf(buffers, bytes, nextOffset, queue.ends(), origins)
      if (borrows) {
        return { ...dataOf(buffers, bytes, nextOffset, queue.ends(), origins), release }
      }
      const own = Buffer.concat(buffers, bytes)
      release()
      return dataOf([own], bytes, nextOffset, queue.ends(), origins)
    } catch (error) {
      // What was there when the read began may have been taken away since.
      const since = whyNot(queue.gone ? undefined : queue, wanted)
      if (since !== undefined) return since
      if (error instanceof StoreError) return error
      throw error
    }
  }
}

function gone(uid: QueueUid): StoreError {
  return new StoreError('queue-gone', `queue ${uid} does not exist`)
}

function whyNot(queue: Queue | undefined, wanted: QueueRead): StoreError | undefined {
  if (queue === undefined) return gone(wanted.queue)
  if (wanted.offset >= queue.logStart && wanted.offset <= queue.highWatermark) return undefined
  const ends = queue.ends()
  return new StoreError(
    'offset-out-of-range',
    `offset ${wanted.offset} is not within ${ends.logStartOffset} to ${ends.highWatermark}`,
    { ...ends }
  )
}

function dataOf(
  buffers: readonly Buffer[],
  bytes: number,
  nextOffset: number,
  ends: QueueEnds,
  { hasCompressedBodies, list }: Origins
): QueueData {
  return { buffers, bytes, nextOffset, ends, aborted: [], hasCompressedBodies, origins: list }
}

/** Where the records of a read came from. */
class Origins {
  readonly list: OriginOf[] = []
  hasCompressedBodies = false
  readonly #isWanted: boolean

  constructor(isWanted: boolean) {
    this.#isWanted = isWanted
  }

  add({ nextOffset, appendTimeMs, flags }: RunEntry | TailRun): void {
    if ((flags & runFlags.rocketmqCompressed) !== 0) this.hasCompressedBodies = true
    if (!this.#isWanted) return
    const origin = (flags & runFlags.rocketmq) !== 0 ? 'rocketmq' : 'kafka'
    this.list.push({ nextOffset, origin, appendTimeMs })
  }
}

/** Neighbours in one buffer become one slice: fewer pieces to send. */
class Gatherer {
  readonly buffers: Buffer[] = []
  bytes = 0
  #last: Buffer | undefined

  add(batch: Buffer): void {
    this.bytes += batch.length
    const last = this.#last
    if (
      last !== undefined &&
      last.buffer === batch.buffer &&
      last.byteOffset + last.length === batch.byteOffset
    ) {
      this.#last = Buffer.from(last.buffer, last.byteOffset, last.length + batch.length)
      this.buffers[this.buffers.length - 1] = this.#last
      return
    }
    this.#last = batch
    this.buffers.push(batch)
  }
}

/** Offset after a batch's last record. */
function batchEnd(batch: Buffer): number {
  return readInt64(batch, 0) + batch.readInt32BE(23) + 1
}

function readTail(
  queue: Queue,
  offset: number,
  maxBytes: number,
  atLeastOne: boolean,
  origins: Origins
): QueueData {
  const { tail } = queue
  const out = new Gatherer()
  let nextOffset = offset
  gather: for (let i = tail.indexOf(offset); i < tail.length; i++) {
    const run = tail.at(i)
    if (run === undefined) break
    const before = out.bytes
    for (const batch of run.batches) {
      const end = batchEnd(batch)
      if (end <= offset) continue
      if (out.bytes + batch.length > maxBytes && !(atLeastOne && out.bytes === 0)) break gather
      if (out.bytes === before) origins.add(run)
      out.add(batch)
      nextOffset = end
    }
  }
  return dataOf(out.buffers, out.bytes, nextOffset, queue.ends(), origins)
}
