import { batchHeaderBytes, type RecordBatch } from './record-batch.ts'
import { VarintReader } from './varint.ts'

/** One for all walks: a walk never yields, and this way it allocates nothing. */
const reader = new VarintReader()

/**
 * Walks the records of an uncompressed batch by their lengths. Returns what is wrong, or undefined. With `dense`
 * each record's offset delta must be its index, as it is in what a producer sends: the batch is stored as it is,
 * so a wrong delta would reach consumers as a wrong offset.
 */
export function walkRecords(batch: RecordBatch, dense: boolean): string | undefined {
  const { bytes, recordCount, lastOffsetDelta } = batch
  reader.reset(bytes, batchHeaderBytes, bytes.length)
  let lastDelta = -1
  for (let index = 0; index < recordCount; index++) {
    const length = reader.int()
    const end = reader.at + length
    if (reader.bad || length < 0 || end > bytes.length) return `record ${index} has a bad length`
    reader.skip(1)
    reader.long()
    const delta = reader.int()
    if (dense ? delta !== index : delta <= lastDelta || delta > lastOffsetDelta) {
      return `record ${index} has the offset delta ${delta}`
    }
    lastDelta = delta
    skipField()
    skipField()
    skipHeaders()
    if (reader.bad || reader.at !== end) return `record ${index} does not fill its ${length} bytes`
  }
  const left = bytes.length - reader.at
  return left === 0 ? undefined : `${left} bytes after the last record`
}

/** A key or value: -1 is null. */
function skipField(): void {
  const length = reader.int()
  if (length >= 0) reader.skip(length)
  else if (length < -1) reader.bad = true
}

function skipHeaders(): void {
  const count = reader.int()
  if (count < 0) reader.bad = true
  for (let left = count; left > 0 && !reader.bad; left--) {
    const nameLength = reader.int()
    reader.skip(nameLength)
    skipField()
  }
}
