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

export class Reader {
  readonly #queues: ReadonlyMap<QueueUid, Queue>
  readonly #cold: ColdReader

  constructor(queues: ReadonlyMap<QueueUid, Queue>, cold: ColdReader) {
    this.#queues = queues
    this.#cold = cold
  }

  async read(request: ReadRequest): Promise<readonly QueueReadResult[]> {
    let left = request.maxBytes
    let hasData = false
    const results: (QueueReadResult | Promise<QueueReadResult>)[] = []
    for (const wanted of request.queues) {
      const queue = this.#queues.get(wanted.queue)
      const refusal = whyNot(queue, wanted)
      if (refusal !== undefined || queue === undefined) {
        results.push(refusal as StoreError)
        continue
      }
      const end = queue.highWatermark
      const budget = Math.min(wanted.maxBytes, left)
      if (wanted.offset === end || (hasData && budget <= 0)) {
        results.push(dataOf([], 0, wanted.offset, queue.ends(), new Origins(false)))
        continue
      }
      if (wanted.offset >= queue.tail.startOffset) {
        const origins = new Origins(request.withOrigins === true)
        const data = readTail(queue, wanted.offset, budget, !hasData, origins)
        left -= data.bytes
        hasData ||= data.bytes > 0
        results.push(data)
        continue
      }
      // How much comes back is known only later: what it may take is taken off now, so that all read at once.
      left -= Math.max(budget, 0)
      const origins = new Origins(request.withOrigins === true)
      results.push(
        this.#readCold(queue, wanted, budget, !hasData, origins, request.borrows === true)
      )
      hasData = true
    }
    return Promise.all(results)
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
