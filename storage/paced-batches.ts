/** Many writes to LevelDB, batch by batch, each made while the one before is there already. */
import type { CheckedDb, Write } from './checked-db.ts'

/**
 * What goes into one batch, about: a checkpoint of a large store must not build one huge one, and everything else gets
 * a turn while a batch is written. Beside a full load such a turn is long: then fewer, larger ones are wanted.
 */
const batchWritesMin = 500
const batchWritesMax = 4000
/** Of an average write. */
const bytesPerWrite = 128

/** How many writes the next batch should have; it has some, and not too many, whatever this says. */
export type BatchPace = () => number

const unhurried: BatchPace = () => batchWritesMin

export async function writeInBatches(
  db: CheckedDb,
  all: Iterable<Write>,
  pace = unhurried
): Promise<void> {
  let writes: Write[] = []
  let bytes = 0
  let countMax = batchWritesMin
  for (const write of all) {
    writes.push(write)
    if (write.type === 'put') bytes += write.value.length
    if (writes.length < countMax && bytes < countMax * bytesPerWrite) continue
    await db.batch(writes)
    writes = []
    bytes = 0
    countMax = Math.min(Math.max(pace(), batchWritesMin), batchWritesMax)
  }
  if (writes.length > 0) await db.batch(writes)
}
