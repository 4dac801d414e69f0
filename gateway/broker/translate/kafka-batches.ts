/** Batches with compressed RocketMQ bodies as Kafka readers get them, made once and kept for a while. */

import { batchUncheckedBytes, type RecordBatch } from '../../../storage/batch/record-batch.ts'
import type { QueueUid } from '../../../storage/contract.ts'
import { type InflatedBatch, inflateBodies } from './batch-for-kafka.ts'
import { Turns } from './turns.ts'
import { type CacheFigures, WeightedCache } from './weighted-cache.ts'

export interface KafkaBatchLimits {
  readonly keptBytesMax: number
  readonly keptBatchBytesMax: number
  /** Batches being rewritten at the same time; the others wait, one for each fetch in hand. */
  readonly inflationsMax: number
}

export const kafkaBatchLimits: KafkaBatchLimits = {
  keptBytesMax: 32 * 1024 * 1024,
  keptBatchBytesMax: 16 * 1024 * 1024,
  inflationsMax: 4
}

export class KafkaBatches {
  readonly #kept: WeightedCache<InflatedBatch>
  readonly #underway = new Map<string, Promise<InflatedBatch>>()
  readonly #turns: Turns

  constructor(limits: KafkaBatchLimits = kafkaBatchLimits) {
    this.#turns = new Turns(limits.inflationsMax)
    this.#kept = new WeightedCache({
      bytesMax: limits.keptBytesMax,
      entryBytesMax: limits.keptBatchBytesMax
    })
  }

  /** For batches of runs that are flagged as having compressed bodies. Never rejects. */
  inflate(queue: QueueUid, batch: RecordBatch): InflatedBatch | Promise<InflatedBatch> {
    const key = `${queue}/${batch.bytes.toString('latin1', 0, batchUncheckedBytes)}`
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const before = this.#underway.get(key)
    if (before !== undefined) return before
    const own = { ...batch, bytes: Buffer.from(batch.bytes) }
    const inflating = this.#turns
      .run(() => inflateBodies(own))
      .then((inflated) => {
        this.#kept.set(key, inflated, inflated.batch.bytes.length)
        return inflated
      })
      .finally(() => this.#underway.delete(key))
    this.#underway.set(key, inflating)
    return inflating
  }

  figures(): CacheFigures {
    return this.#kept.figures()
  }
}
