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

/** A read that has so much takes nothing more from disk. */
const enoughBytes = 8 * 1024 * 1024
/** Queues that one read reads on disk at the same time: others, and those at their end, get their turns in between. */
const coldQueuesMax = 8
/** With less room than this a queue on disk waits until those before it have said what they leave. */
const roomBytesMin = 64 * 1024

/** One read while it is gathered. */
interface Gathering {
  readonly request: ReadRequest
  readonly results: QueueReadResult[]
  /** Bytes that there is room for; what reads under way may take is taken off. */
  room: number
  bytes: number
  hasData: boolean
  /** A read under way gives a batch whatever its size. */
  isFirstUnderWay: boolean
  readonly underWay: Set<Promise<void>>
}

export class Reader {
  readonly #queues: ReadonlyMap<QueueUid, Queue>
  readonly #cold: ColdReader

  constructor(queues: ReadonlyMap<QueueUid, Queue>, cold: ColdReader) {
    this.#queues = queues
    this.#cold = cold
  }

  async read(request: ReadRequest): Promise<readonly QueueReadResult[]> {
    const gathering: Gathering = {
      request,
      results: [],
      room: request.maxBytes,
      bytes: 0,
      hasData: false,
      isFirstUnderWay: false,
      underWay: new Set()
    }
    const { results, underWay } = gathering
    for (const [place, wanted] of request.queues.entries()) {
      const queue = this.#queues.get(wanted.queue)
      const refusal = whyNot(queue, wanted)
      if (refusal !== undefined || queue === undefined) {
        results[place] = refusal as StoreError
        continue
      }
      if (wanted.offset === queue.highWatermark) {
        results[place] = nothingOf(queue, wanted)
        continue
      }
      const isCold = wanted.offset < queue.tail.startOffset
      if (isCold) await hasTurn(gathering, wanted)
      const isFirst = !gathering.hasData && !gathering.isFirstUnderWay
      const budget = Math.min(wanted.maxBytes, gathering.room)
      const isEnough = isCold && gathering.bytes >= enoughBytes
      if (!isFirst && (budget <= 0 || isEnough)) results[place] = nothingOf(queue, wanted)
      else if (isCold) this.#beginCold(gathering, place, queue, budget, isFirst)
      else {
        const origins = new Origins(request.withOrigins === true)
        const data = readTail(queue, wanted.offset, budget, isFirst, origins)
        gathering.room -= data.bytes
        gathering.bytes += data.bytes
        gathering.hasData ||= data.bytes > 0
        results[place] = data
      }
    }
    await Promise.all(underWay)
    return results
  }

  /** How much comes back is known only later: what it may take is taken off meanwhile. */
  #beginCold(
    gathering: Gathering,
    place: number,
    queue: Queue,
    budget: number,
    isFirst: boolean
  ): void {
    const { request, results, underWay } = gathering
    const wanted = request.queues[place] as QueueRead
    const origins = new Origins(request.withOrigins === true)
    const reserved = Math.max(budget, 0)
    gathering.room -= reserved
    if (isFirst) gathering.isFirstUnderWay = true
    const reading = this.#readCold(
      queue,
      wanted,
      budget,
      isFirst,
      origins,
      request.borrows === true
    ).then((result) => {
      underWay.delete(reading)
      if (isFirst) gathering.isFirstUnderWay = false
      results[place] = result
      const bytes = result instanceof StoreError ? 0 : result.bytes
      gathering.room += reserved - bytes
      gathering.bytes += bytes
      gathering.hasData ||= bytes > 0
    })
    underWay.add(reading)
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

/** Waits until few enough are read on disk, and those have left what room they can. Rejects as they do. */
async function hasTurn(gathering: Gathering, { maxBytes }: QueueRead): Promise<void> {
  const { underWay } = gathering
  const wanted = Math.min(maxBytes, roomBytesMin)
  while (underWay.size >= coldQueuesMax || (underWay.size > 0 && gathering.room < wanted))
    await Promise.race(underWay)
}

function nothingOf(queue: Queue, { offset }: QueueRead): QueueData {
  return dataOf([], 0, offset, queue.ends(), new Origins(false))
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
