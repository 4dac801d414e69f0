/**
 * The record batch v2, storage's record format (KIP-98; Kafka's DefaultRecordBatch). Big endian:
 *
 * | at | bytes | field | |
 * |---|---|---|---|
 * | 0 | 8 | base offset | patched at seal, outside the CRC |
 * | 8 | 4 | batch length | bytes after this field |
 * | 12 | 4 | leader epoch | patched at seal, outside the CRC |
 * | 16 | 1 | magic | 2 |
 * | 17 | 4 | CRC-32C | over bytes 21 to the end |
 * | 21 | 2 | attributes | bits 0-2 codec, 3 append time, 4 transactional, 5 control, 6 delete horizon |
 * | 23 | 4 | last offset delta | record count - 1 |
 * | 27 | 8 | base timestamp | |
 * | 35 | 8 | max timestamp | |
 * | 43 | 8 | producer id | -1: none |
 * | 51 | 2 | producer epoch | |
 * | 53 | 4 | base sequence | |
 * | 57 | 4 | record count | |
 * | 61 | | records | as one compressed block where a codec is set |
 */

export const batchHeaderBytes = 61
/** How much of a batch's head its own CRC does not cover. */
export const batchUncheckedBytes = 21

/** One whole batch and what its header says. `bytes` belongs to the batch: sealing patches it in place. */
export interface RecordBatch {
  readonly bytes: Buffer
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly recordCount: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  /** -1: not idempotent. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}
