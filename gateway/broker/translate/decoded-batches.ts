/**
 * From what a read of the store gives back to messages, batch by batch. A pull takes a few records of a batch of many,
 * and the next pull the next few: so a batch is inflated and decoded once, and kept for a while.
 */
import { setImmediate } from 'node:timers/promises'
import { appendTimeBit, codecMask, controlBit } from '../../../storage/batch/attributes.ts'
import { CompressionError, corrupt } from '../../../storage/batch/compression-limits.ts'
import { isBatchFault, parseBatches } from '../../../storage/batch/parse-batch.ts'
import { baseOffsetOf } from '../../../storage/batch/patch-batch.ts'
import { batchHeaderBytes, type RecordBatch } from '../../../storage/batch/record-batch.ts'
import { type BatchRecord, decodeRecords, recordsBlock } from '../../../storage/batch/records.ts'
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
/** What a record and a header take besides their bytes, about. */
const recordOverheadBytes = 320
const headerOverheadBytes = 112

export interface DecodedBatch {
  readonly baseOffset: number
  /** The offset after the batch's last. */
  readonly nextOffset: number
  /** Ascending by offset, maybe with gaps; empty for a control batch, and where `fault` says why. */
  readonly messages: readonly RecordMessage[]
  /** The batch cannot be read: to be skipped, counted and logged with its offsets. */
  readonly fault?: { readonly code: 'corrupt' | 'too-large'; readonly text: string }
}

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

/** The messages of a decoded batch from that offset on. */
export function messagesFrom(batch: DecodedBatch, offset: number): readonly RecordMessage[] {
  const { messages } = batch
  let low = 0
  let high = messages.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (messages[middle]!.offset < offset) low = middle + 1
    else high = middle
  }
  return low === 0 ? messages : messages.slice(low)
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

  /** At once where the batch is kept. Rejects never: what cannot be read is a `fault`. */
  decode(source: RecordSource, batch: RecordBatch): DecodedBatch | Promise<DecodedBatch> {
    const key = keyOf(source, batch)
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const before = this.#underway.get(key)
    if (before !== undefined) return before
    // What is kept outlives the read, so it must not hold the read's buffers (the tail's ring, a file's block).
    const own = { ...batch, bytes: Buffer.from(batch.bytes) }
    const decoding = this.#decode(source, own)
      .then(({ decoded, bytes }) => {
        this.#kept.set(key, decoded, bytes)
        return decoded
      })
      .finally(() => this.#underway.delete(key))
    this.#underway.set(key, decoding)
    return decoding
  }

  figures(): CacheFigures {
    return this.#kept.figures()
  }

  async #decode(source: RecordSource, batch: RecordBatch) {
    const baseOffset = baseOffsetOf(batch)
    const nextOffset = baseOffset + batch.lastOffsetDelta + 1
    const ends = { baseOffset, nextOffset }
    if ((batch.attributes & controlBit) !== 0) {
      return { decoded: { ...ends, messages: [] }, bytes: recordOverheadBytes }
    }
    try {
      const block = await this.#block(batch)
      const { messages, bytes } = await messagesOf(source, batch, block)
      return { decoded: { ...ends, messages }, bytes }
    } catch (error) {
      if (!(error instanceof CompressionError)) throw error
      const code = error.code === 'too-large' ? 'too-large' : 'corrupt'
      const fault = { code, text: error.message } as const
      return { decoded: { ...ends, messages: [], fault }, bytes: recordOverheadBytes }
    }
  }

  #block(batch: RecordBatch): Buffer | Promise<Buffer> {
    if ((batch.attributes & codecMask) === 0) return batch.bytes.subarray(batchHeaderBytes)
    return this.#turns.run(() => recordsBlock(batch, this.#limits.inflatedBytesMax))
  }
}

async function messagesOf(source: RecordSource, batch: RecordBatch, block: Buffer) {
  const messages: RecordMessage[] = []
  let bytes = block.length + recordOverheadBytes
  let lastOffset = baseOffsetOf(batch) - 1
  for (const record of decodeRecords(withOwnTimes(source, batch), block)) {
    // Compressed batches are stored unseen: a client's wrong delta must not reach clients as a wrong offset.
    if (
      record.offset <= lastOffset ||
      record.offset > baseOffsetOf(batch) + batch.lastOffsetDelta
    ) {
      throw corrupt(`offset ${record.offset} in a batch after ${lastOffset}`)
    }
    lastOffset = record.offset
    messages.push(new RecordMessage(record, source))
    bytes += recordBytes(record)
    if (messages.length % recordsPerTurn === 0) await setImmediate()
  }
  return { messages, bytes }
}

/** A RocketMQ record's timestamp is its born timestamp, also where the topic stamps append times. */
function withOwnTimes(source: RecordSource, batch: RecordBatch): RecordBatch {
  if (source.origin === 'kafka') return batch
  return { ...batch, attributes: batch.attributes & ~appendTimeBit }
}

/** Besides the block: objects, and the property string once it is made. */
function recordBytes({ headers, key }: BatchRecord): number {
  let bytes = recordOverheadBytes + (key?.length ?? 0)
  for (const { name, value } of headers) {
    bytes += headerOverheadBytes + name.length + (value?.length ?? 0)
  }
  return bytes
}

/** The same offsets hold the same records for ever, but a cleaner may take some out: then length and CRC differ. */
function keyOf({ queue }: RecordSource, { bytes }: RecordBatch): string {
  return `${queue}/${bytes.toString('latin1', 0, 12)}/${bytes.readUInt32BE(17)}`
}
