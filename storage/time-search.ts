/** Offsets by time: the index says which run, the batches say which record. */
import { leaderEpochOf } from './batch/patch-batch.ts'
import type { RecordBatch } from './batch/record-batch.ts'
import { firstRecordAtOrAfter, recordWithMaxTimestamp } from './batch/records.ts'
import type { TimePoint } from './contract.ts'
import type { Queue } from './queue.ts'
import { batchesBetween } from './queue-batches.ts'
import type { Reader } from './reader.ts'
import type { RunIndex } from './run-index.ts'
import type { RunEntry, RunList } from './run-list.ts'

/** Read at a time while looking for a record. */
const searchBytes = 1024 * 1024

/** Index of the wanted run in a list; its length if the run is in a later list. */
type Seek = (list: RunList) => number

export class TimeSearch {
  readonly #index: RunIndex
  readonly #reader: Reader

  constructor(index: RunIndex, reader: Reader) {
    this.#index = index
    this.#reader = reader
  }

  /** The first record at or after the time. */
  async byRecordTime(queue: Queue, timestampMs: number): Promise<TimePoint | null> {
    const run = await this.#findRun(queue, (list) => list.indexByRecordTime(timestampMs))
    if (run === undefined) return null
    for await (const batch of this.#batchesFrom(queue, Math.max(run.baseOffset, queue.logStart))) {
      const record = await firstRecordAtOrAfter(batch, timestampMs, queue.logStart)
      if (record !== undefined)
        return {
          offset: record.offset,
          timestampMs: record.timestamp,
          leaderEpoch: leaderEpochOf(batch)
        }
    }
    return null
  }

  /** The first run appended at or after the time. */
  async byAppendTime(queue: Queue, timeMs: number): Promise<TimePoint | null> {
    const run = await this.#findRun(queue, (list) => list.indexByAppendTime(timeMs))
    if (run === undefined) return null
    const offset = Math.max(run.baseOffset, queue.logStart)
    return { offset, timestampMs: run.appendTimeMs, leaderEpoch: epochAt(queue, offset) }
  }

  /** The record with the greatest timestamp, the earliest of several (KIP-734). */
  async greatest(queue: Queue): Promise<TimePoint | null> {
    let best: RunEntry | undefined
    let next = queue.logStart
    for (;;) {
      const list = await this.#index.listFrom(queue, next)
      if (list === undefined) break
      for (let i = list.indexOf(next); i < list.length; i++) {
        const run = list.at(i)
        if (best === undefined || run.maxTimestamp > best.maxTimestamp) best = run
        next = run.nextOffset
      }
    }
    if (best === undefined) return null
    for await (const batch of this.#batchesFrom(queue, Math.max(best.baseOffset, queue.logStart))) {
      if (batch.maxTimestamp < best.maxTimestamp) continue
      const record = await recordWithMaxTimestamp(batch)
      if (record === undefined) continue
      return {
        offset: record.offset,
        timestampMs: record.timestamp,
        leaderEpoch: leaderEpochOf(batch)
      }
    }
    return null
  }

  /** Binary search over the queue's index lists; what is sought must rise along the queue. */
  async #findRun(queue: Queue, seek: Seek): Promise<RunEntry | undefined> {
    let low = queue.logStart
    let high = queue.highWatermark
    let best: RunEntry | undefined
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2)
      const list = await this.#index.listFrom(queue, middle)
      if (list === undefined) {
        high = middle
        continue
      }
      // What the log start has passed is not there any more, whatever its time.
      const i = Math.max(seek(list), list.indexOf(queue.logStart))
      if (i === list.length) {
        low = Math.max(list.nextOffset(), middle + 1)
        continue
      }
      best = list.at(i)
      if (i > 0 || list.firstOffset() <= low) break
      high = Math.min(middle, list.firstOffset())
    }
    return best
  }

  #batchesFrom(queue: Queue, from: number): AsyncIterable<RecordBatch> {
    const range = { from, to: Number.POSITIVE_INFINITY, bytes: searchBytes }
    return batchesBetween(this.#reader, queue, range)
  }
}

/** The leader epoch that an offset was appended in. */
export function epochAt(queue: Queue, offset: number): number {
  return queue.epochs.findLast((one) => one.startOffset <= offset)?.epoch ?? 0
}
