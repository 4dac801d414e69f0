/** Awaited after so many bytes were read or written: no more than the cleaner may. Rejects with StoppedError. */
export type Pace = (bytes: number) => Promise<void>

/** What a record counts besides its bytes: to hash its key, which holds up everything else, takes about as long. */
export const recordCostBytes = 512
/** Costs are added up to this much. */
const stepBytes = 256 * 1024

/** Paces records that are looked at one batch after the other. */
export function paceRecords(pace: Pace): (records: number) => Promise<void> {
  let cost = 0
  return async (records) => {
    cost += records * recordCostBytes
    if (cost < stepBytes) return
    const due = cost
    cost = 0
    await pace(due)
  }
}
