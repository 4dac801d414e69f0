/** The runs of a group while it is sealed: batches as they come, single records gathered into packs. */
import { patchBatch } from './batch/patch-batch.ts'
import type { RecordBatch } from './batch/record-batch.ts'
import type { RecordAppend } from './contract.ts'
import { type HashedKey, keyHashOf } from './key-hash.ts'
import { type Resolved, runFlags } from './layout/types.ts'
import { apartBytesMax, Pack, packBytesMax } from './pack.ts'
import type { Queue } from './queue.ts'
import type { SealedGroup, SealedRun } from './sealed-group.ts'

/** Latest record timestamp in the index, ms: some 140,000 years from now. */
export const timestampMax = 2 ** 52

/** One batch with its place. */
interface Placed {
  readonly bytes: Buffer
  readonly baseOffset: number
  readonly nextOffset: number
  readonly recordCount: number
  readonly maxTimestamp: number
  readonly flags: number
}

/** What goes with the records of a pack that is not closed. */
interface OpenPack {
  readonly pack: Pack
  readonly keys: HashedKey[]
  readonly resolves: Resolved[]
}

export class GroupBuilder {
  readonly group: SealedGroup
  readonly #runBytesMax: number
  readonly #runs = new Map<Queue, SealedRun>()
  readonly #packs = new Map<Queue, OpenPack>()

  constructor(group: SealedGroup, runBytesMax: number) {
    this.group = group
    this.#runBytesMax = runBytesMax
  }

  /** Gives the batch the queue's next offsets. */
  addBatch(queue: Queue, batch: RecordBatch, flags: number): void {
    this.#closePack(queue)
    const baseOffset = queue.sealedEnd
    patchBatch(batch, baseOffset, queue.leaderEpoch)
    queue.sealedEnd = baseOffset + batch.lastOffsetDelta + 1
    this.#place(queue, {
      bytes: batch.bytes,
      baseOffset,
      nextOffset: queue.sealedEnd,
      recordCount: batch.recordCount,
      maxTimestamp: batch.maxTimestamp,
      flags
    })
  }

  /** Gives the records the queue's next offsets; they share batches with their neighbours. */
  addRecords(queue: Queue, append: RecordAppend): void {
    const bytesMax = append.apart === true ? apartBytesMax : packBytesMax
    for (const record of append.records) {
      let open = this.#packs.get(queue)
      if (open !== undefined && !open.pack.takes(record, bytesMax)) {
        this.#closePack(queue)
        open = undefined
      }
      if (open === undefined) {
        // A run is what is read at once: one for each pack.
        if (append.apart === true) this.#runs.delete(queue)
        open = { pack: new Pack(queue.sealedEnd), keys: [], resolves: [] }
        this.#packs.set(queue, open)
      }
      open.pack.add(record)
      for (const key of record.keys)
        open.keys.push({ hash: keyHashOf(key), offset: queue.sealedEnd })
      queue.sealedEnd++
    }
    if (append.resolves !== undefined) this.#packs.get(queue)?.resolves.push(...append.resolves)
  }

  /** Closes every pack: the group's runs are complete. */
  finish(): void {
    for (const queue of [...this.#packs.keys()]) this.#closePack(queue)
  }

  #closePack(queue: Queue): void {
    const open = this.#packs.get(queue)
    if (open === undefined) return
    this.#packs.delete(queue)
    const { pack, keys, resolves } = open
    const compressed = pack.isCompressed ? runFlags.rocketmqCompressed : 0
    const run = this.#place(queue, {
      bytes: pack.encode(queue.leaderEpoch),
      baseOffset: pack.baseOffset,
      nextOffset: pack.baseOffset + pack.count,
      recordCount: pack.count,
      maxTimestamp: pack.maxTimestamp,
      flags: runFlags.rocketmq | compressed
    })
    run.keys.push(...keys)
    run.resolves.push(...resolves)
  }

  #place(queue: Queue, placed: Placed): SealedRun {
    // A client may say any time; the index needs one that it can count with.
    const maxTimestamp = Math.min(Math.max(placed.maxTimestamp, -1), timestampMax)
    if (maxTimestamp > queue.maxTimestamp) queue.maxTimestamp = maxTimestamp
    const run = this.#runFor(queue, placed)
    run.batches.push(placed.bytes)
    run.bytes += placed.bytes.length
    run.recordCount += placed.recordCount
    run.nextOffset = placed.nextOffset
    if (maxTimestamp > run.maxTimestamp) run.maxTimestamp = maxTimestamp
    run.runningMax = queue.maxTimestamp
    return run
  }

  #runFor(queue: Queue, { flags, bytes, baseOffset }: Placed): SealedRun {
    const open = this.#runs.get(queue)
    if (
      open !== undefined &&
      open.flags === flags &&
      open.bytes + bytes.length <= this.#runBytesMax
    )
      return open
    const run: SealedRun = {
      queue,
      topicId: queue.topicId,
      flags,
      baseOffset,
      nextOffset: baseOffset,
      recordCount: 0,
      batches: [],
      bytes: 0,
      maxTimestamp: -1,
      runningMax: -1,
      keys: [],
      resolves: [],
      position: 0
    }
    this.#runs.set(queue, run)
    this.group.runs.push(run)
    return run
  }
}
