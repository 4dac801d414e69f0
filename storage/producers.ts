/** Idempotence (KIP-98): what a queue knows of its producers, and what that says of a batch that arrives. */
import type { RecordBatch } from './batch/record-batch.ts'
import { StoreError } from './errors.ts'
import type { ProducerBatch, ProducerRow } from './state/stored-rows.ts'

/** Batches remembered for a producer; Kafka's clients keep at most 5 in flight (ProducerStateEntry). */
export const rememberedBatches = 5
const sequenceModulus = 2 ** 31

export interface Producer {
  readonly producerId: number
  epoch: number
  /** Oldest first, at most `rememberedBatches`. */
  batches: ProducerBatch[]
  lastAppendMs: number
  dirty: boolean
}

/** Sequence number of a batch's last record; sequences wrap from 2^31 - 1 to 0. */
export function lastSequenceOf(baseSequence: number, lastOffsetDelta: number): number {
  return (baseSequence + lastOffsetDelta) % sequenceModulus
}

/** The idempotent producers of one queue, as of the last sealed group. */
export class Producers {
  readonly #byId = new Map<number, Producer>()

  get size(): number {
    return this.#byId.size
  }

  /**
   * What is to be done with a batch: returns the first append of the same batch if this one is a duplicate, undefined
   * if it is to be appended. Throws sequence-out-of-order and producer-epoch-stale. Changes nothing.
   */
  judge(batch: RecordBatch): ProducerBatch | undefined {
    const known = this.#byId.get(batch.producerId)
    // An unknown producer may begin anywhere: retention may have taken what was known of it.
    if (known === undefined) return undefined
    if (batch.producerEpoch < known.epoch)
      throw new StoreError(
        'producer-epoch-stale',
        `producer ${batch.producerId} has epoch ${known.epoch}, the batch ${batch.producerEpoch}`
      )
    if (batch.producerEpoch > known.epoch) {
      if (batch.baseSequence !== 0) throw outOfOrder(batch, 0)
      return undefined
    }
    const last = lastSequenceOf(batch.baseSequence, batch.lastOffsetDelta)
    for (const one of known.batches)
      if (one.firstSequence === batch.baseSequence && one.lastSequence === last) return one
    const newest = known.batches.at(-1)
    if (newest === undefined) return undefined
    const next = (newest.lastSequence + 1) % sequenceModulus
    if (batch.baseSequence !== next) throw outOfOrder(batch, next)
    return undefined
  }

  /** Remembers a batch that was sealed or replayed. */
  remember(
    batch: Pick<RecordBatch, 'producerId' | 'producerEpoch' | 'baseSequence' | 'lastOffsetDelta'>,
    baseOffset: number,
    appendTimeMs: number
  ): void {
    let known = this.#byId.get(batch.producerId)
    if (known === undefined) {
      known = {
        producerId: batch.producerId,
        epoch: batch.producerEpoch,
        batches: [],
        lastAppendMs: appendTimeMs,
        dirty: true
      }
      this.#byId.set(batch.producerId, known)
    }
    if (known.epoch !== batch.producerEpoch) {
      known.epoch = batch.producerEpoch
      known.batches = []
    }
    if (known.batches.length === rememberedBatches) known.batches.shift()
    known.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: lastSequenceOf(batch.baseSequence, batch.lastOffsetDelta),
      baseOffset,
      appendTimeMs
    })
    known.lastAppendMs = appendTimeMs
    known.dirty = true
  }

  /** What is known of a producer now, for `restore`. */
  keep(producerId: number): Producer | undefined {
    const known = this.#byId.get(producerId)
    return known && { ...known, batches: [...known.batches] }
  }

  /** Makes what is known of a producer what `keep` gave; undefined: nothing. */
  restore(producerId: number, kept: Producer | undefined): void {
    if (kept === undefined) this.#byId.delete(producerId)
    else this.#byId.set(producerId, kept)
  }

  /** Base offset of the newest batch of a producer that is remembered. */
  newestOffset(producerId: number): number | undefined {
    return this.#byId.get(producerId)?.batches.at(-1)?.baseOffset
  }

  /** A copy to try several batches on, one after the other. */
  trial(producerId: number): Producers {
    const copy = new Producers()
    const known = this.keep(producerId)
    if (known !== undefined) copy.#byId.set(producerId, known)
    return copy
  }

  /** `isNew`: LevelDB does not have it yet. */
  load(row: ProducerRow, isNew: boolean): void {
    this.#byId.set(row.producerId, {
      producerId: row.producerId,
      epoch: row.epoch,
      batches: [...row.batches],
      lastAppendMs: row.batches.at(-1)?.appendTimeMs ?? 0,
      dirty: isNew
    })
  }

  all(): Iterable<Producer> {
    return this.#byId.values()
  }

  /** Forgets producers silent since before `beforeMs`, and the longest silent above `countMax`; returns their ids. */
  expire(beforeMs: number, countMax: number): number[] {
    const gone: number[] = []
    for (const one of this.#byId.values())
      if (one.lastAppendMs < beforeMs) gone.push(one.producerId)
    for (const id of gone) this.#byId.delete(id)
    if (this.#byId.size > countMax) {
      const oldest = [...this.#byId.values()].sort((a, b) => a.lastAppendMs - b.lastAppendMs)
      for (const one of oldest.slice(0, this.#byId.size - countMax)) {
        this.#byId.delete(one.producerId)
        gone.push(one.producerId)
      }
    }
    return gone
  }
}

function outOfOrder(batch: RecordBatch, expected: number): StoreError {
  return new StoreError(
    'sequence-out-of-order',
    `producer ${batch.producerId} sent sequence ${batch.baseSequence}, ${expected} was next`
  )
}
