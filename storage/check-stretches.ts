/** Whether the stretches of queues' indexes in LevelDB follow each other, as readers need them to (index-block.ts). */
import type { QueueUid } from './contract.ts'
import { IndexBlock } from './index-block.ts'
import { readInt64 } from './layout/integers.ts'
import type { QueueRow, StoredRow } from './state/stored-rows.ts'

/** What is known of a queue. */
interface Wanted {
  logStart: number
  /** Undefined before it was seen. */
  row: QueueRow | undefined
  /** Up to there the stretches go that were seen; undefined before the first. */
  reached: number | undefined
}

/** Offsets whose place LevelDB does not know. */
export interface Gap {
  readonly of: QueueRow
  readonly first: number
  readonly last: number
}

export class Stretches {
  readonly #queues = new Map<QueueUid, Wanted>()

  /** Takes what it needs of LevelDB's rows; all of them come before the stretches. */
  note(entry: StoredRow): void {
    if (entry.family === 'log-start') this.#of(entry.row.queue).logStart = entry.row.offset
    if (entry.family === 'queue') this.#of(entry.row.queue).row = entry.row
  }

  #of(queue: QueueUid): Wanted {
    const wanted = this.#queues.get(queue) ?? { logStart: 0, row: undefined, reached: undefined }
    this.#queues.set(queue, wanted)
    return wanted
  }

  /**
   * What is missing between stretches, and behind them. Before them only where the store was closed (`isClosed`): else a
   * log start may have moved behind the view's, and what is before it is gone.
   */
  async gaps(
    entries: AsyncIterable<readonly [key: Buffer, value: Buffer][]>,
    isClosed: boolean
  ): Promise<Gap[]> {
    const gaps: Gap[] = []
    const upTo = ({ row, logStart, reached }: Wanted, offset: number): void => {
      if (row === undefined) return
      const first = Math.max(logStart, reached ?? (isClosed ? 0 : offset))
      const end = Math.min(offset, row.nextOffset)
      if (first < end) gaps.push({ of: row, first, last: end - 1 })
    }
    for await (const some of entries)
      for (const [key, value] of some) {
        const wanted = this.#of(key.readUInt32BE(1))
        const { start, end } = new IndexBlock(readInt64(key, 5), value)
        upTo(wanted, start)
        // One that a replay left which was cut off may end behind those that follow.
        wanted.reached = Math.max(end, wanted.reached ?? 0)
      }
    for (const wanted of this.#queues.values()) upTo(wanted, wanted.row?.nextOffset ?? 0)
    return gaps
  }
}
