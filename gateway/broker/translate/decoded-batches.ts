/**
 * From what a read of the store gives back to messages, batch by batch. A pull takes a few records of a batch of many,
 * and the next pull the next few: so a compressed batch is inflated once, and kept for a while.
 */
import { setImmediate } from 'node:timers/promises'
import { appendTimeBit, codecMask, controlBit } from '../../../storage/batch/attributes.ts'
import { CompressionError } from '../../../storage/batch/compression-limits.ts'
import { isBatchFault, parseBatches } from '../../../storage/batch/parse-batch.ts'
import { baseOffsetOf } from '../../../storage/batch/patch-batch.ts'
import { batchHeaderBytes, type RecordBatch } from '../../../storage/batch/record-batch.ts'
import { recordFrom, recordsBlock } from '../../../storage/batch/records.ts'
import { RecordPlaces } from '../../../storage/batch/walk-records.ts'
import { RecordMessage, type RecordSource } from './message-of-record.ts'
import { Turns } from './turns.ts'
import { type CacheFigures, WeightedCache } from './weighted-cache.ts'

export interface DecodeLimits {
  /** What all batches kept take in memory, about. */
  readonly keptBytesMax: number
  /** What one of them may take. */
  readonly keptBatchBytesMax: number
  /** What a compressed batch may inflate to; larger ones cannot be read by RocketMQ's clients. */
  readonly inflatedBytesMax: number
  /** Batches being inflated at the same time; the others wait, one for each pull in hand. */
  readonly inflationsMax: number
}

export const decodeLimits: DecodeLimits = {
  keptBytesMax: 32 * 1024 * 1024,
  keptBatchBytesMax: 8 * 1024 * 1024,
  inflatedBytesMax: 64 * 1024 * 1024,
  inflationsMax: 4
}

/** After so many records others get their turn on the event loop. */
const recordsPerTurn = 512
/** What a batch takes besides its records' bytes and places, about. */
const batchOverheadBytes = 512

/** Why a batch cannot be read: it is to be skipped, counted and logged with its offsets. */
export interface BatchDecodeFault {
  readonly code: 'corrupt' | 'too-large'
  readonly text: string
}

/**
 * The records of a batch, inflated; of one that was not compressed they are slices of its own bytes. Messages are made
 * when they are asked for, and not kept: that is cheaper than to keep alive what many small objects take.
 */
export class DecodedBatch {
  readonly baseOffset: number
  /** The offset after the batch's last. */
  readonly nextOffset: number
  readonly fault: BatchDecodeFault | undefined
  readonly #source: RecordSource
  readonly #batch: RecordBatch
  readonly #block: Buffer
  readonly #places: RecordPlaces | undefined

  constructor(
    source: RecordSource,
    batch: RecordBatch,
    decoded: { block: Buffer; places: RecordPlaces } | undefined,
    fault?: BatchDecodeFault
  ) {
    this.baseOffset = baseOffsetOf(batch)
    this.nextOffset = this.baseOffset + batch.lastOffsetDelta + 1
    this.fault = fault
    this.#source = source
    this.#batch = withOwnTimes(source, batch)
    this.#block = decoded?.block ?? noBytes
    this.#places = decoded?.places
  }

  /** Ascending by offset, maybe with gaps; empty for a control batch, and where `fault` says why. */
  get messages(): RecordMessage[] {
    return [...this.from(this.baseOffset)]
  }

  /** The messages from that offset on. */
  *from(offset: number): Generator<RecordMessage> {
    const places = this.#places
    if (places === undefined) return
    for (let i = places.indexFrom(offset - this.baseOffset); i < places.count; i++) {
      const record = recordFrom(this.#batch, this.#block, places.starts[i] as number)
      yield new RecordMessage(record, this.#source)
    }
  }

  /** Where they are; undefined where there are none, and for `fault`. */
  get places(): RecordPlaces | undefined {
    return this.#places
  }

  /** What it keeps in memory. */
  get bytes(): number {
    return batchOverheadBytes + this.#block.length + (this.#places?.bytes ?? 0)
  }
}

const noBytes = Buffer.alloc(0)

/** The batches in buffers that each hold whole ones, as a read returns them; `undefined` for other bytes. */
export function batchesIn(buffers: Iterable<Buffer>): readonly RecordBatch[] | undefined {
  const all: RecordBatch[] = []
  for (const buffer of buffers) {
    if (buffer.length === 0) continue
    // The store has checked the CRC.
    const batches = parseBatches(buffer, { crc: false, records: false, fromClient: false })
    if (isBatchFault(batches)) return undefined
    all.push(...batches)
  }
  return all
}

export class DecodedBatches {
  readonly #limits: DecodeLimits
  readonly #kept: WeightedCache<DecodedBatch>
  readonly #underway = new Map<string, Promise<DecodedBatch>>()
  readonly #turns: Turns

  constructor(limits: DecodeLimits = decodeLimits) {
    this.#limits = limits
    this.#turns = new Turns(limits.inflationsMax)
    this.#kept = new WeightedCache({
      bytesMax: limits.keptBytesMax,
      entryBytesMax: limits.keptBatchBytesMax
    })
  }

  /**
   * At once where the batch is kept, or is small and not compressed. `places` are those of a batch of the same bytes
   * that was decoded before and is not compressed. Rejects never: what cannot be read is a `fault`.
   */
  decode(
    source: RecordSource,
    batch: RecordBatch,
    places?: RecordPlaces
  ): DecodedBatch | Promise<DecodedBatch> {
    if ((batch.attributes & controlBit) !== 0) return new DecodedBatch(source, batch, undefined)
    if ((batch.attributes & codecMask) === 0)
      return decodeBlock(source, batch, batch.bytes.subarray(batchHeaderBytes), places)
    const key = keyOf(source, batch)
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const before = this.#underway.get(key)
    if (before !== undefined) return before
    // What is kept outlives the read, so it must not hold the read's buffers (the tail's ring, a file's block).
    const own = { ...batch, bytes: Buffer.from(batch.bytes) }
    const decoding = this.#inflate(source, own)
      .then((decoded) => {
        this.#kept.set(key, decoded, decoded.bytes)
        return decoded
      })
      .finally(() => this.#underway.delete(key))
    this.#underway.set(key, decoding)
    return decoding
  }

  figures(): CacheFigures {
    return this.#kept.figures()
  }

  async #inflate(source: RecordSource, batch: RecordBatch): Promise<DecodedBatch> {
    try {
      const { inflatedBytesMax } = this.#limits
      const block = await this.#turns.run(() => recordsBlock(batch, inflatedBytesMax))
      return await decodeBlock(source, batch, block)
    } catch (error) {
      return faulty(source, batch, error)
    }
  }
}

/** `known`: the places of its records, where they were looked for before. */
function decodeBlock(
  source: RecordSource,
  batch: RecordBatch,
  block: Buffer,
  known?: RecordPlaces
): DecodedBatch | Promise<DecodedBatch> {
  try {
    const places = known ?? new RecordPlaces(batch, block)
    const decoded = new DecodedBatch(source, batch, { block, places })
    return places.step(recordsPerTurn) ? walkOn(source, batch, decoded, places) : decoded
  } catch (error) {
    return faulty(source, batch, error)
  }
}

async function walkOn(
  source: RecordSource,
  batch: RecordBatch,
  decoded: DecodedBatch,
  places: RecordPlaces
): Promise<DecodedBatch> {
  try {
    do await setImmediate()
    while (places.step(recordsPerTurn))
    return decoded
  } catch (error) {
    return faulty(source, batch, error)
  }
}

function faulty(source: RecordSource, batch: RecordBatch, error: unknown): DecodedBatch {
  if (!(error instanceof CompressionError)) throw error
  const code = error.code === 'too-large' ? 'too-large' : 'corrupt'
  return new DecodedBatch(source, batch, undefined, { code, text: error.message })
}

/** A RocketMQ record's timestamp is its born timestamp, also where the topic stamps append times. */
function withOwnTimes(source: RecordSource, batch: RecordBatch): RecordBatch {
  if (source.origin === 'kafka') return batch
  return { ...batch, attributes: batch.attributes & ~appendTimeBit }
}

/** The same offsets hold the same records for ever, but a cleaner may take some out: then length and CRC differ. */
function keyOf({ queue }: RecordSource, { bytes }: RecordBatch): string {
  return `${queue}/${bytes.toString('latin1', 0, 12)}/${bytes.readUInt32BE(17)}`
}
