/** The index follows runs that were copied into another segment. Doing it twice does no harm. */
import type { Catalog } from './catalog.ts'
import type { QueueUid } from './contract.ts'
import type { IndexDb } from './index-db.ts'
import type { RunEntry } from './run-list.ts'
import { type PlacedRun, type RunSource, scanRuns } from './segment-copy.ts'

/** Runs held in memory. */
const runsMax = 100_000

/**
 * Reads a live copy, and has the index say where its runs are. Entries of runs that are in no live segment go, over all
 * that the copy stands for. Rejects where the copy is damaged or the index cannot be written.
 */
export async function moveIndex(
  parts: RunSource & { readonly db: IndexDb },
  catalog: Catalog,
  copy: number,
  onMoved: (queue: QueueUid) => void
): Promise<void> {
  const move = new Move(parts.db, catalog, copy, onMoved)
  const isSound = await scanRuns(parts, copy, {
    stretch: ({ queue, firstOffset, nextOffset }) => {
      move.stretches.set(queue, { firstOffset, nextOffset })
    },
    run: (run) => move.take(run)
  })
  if (!isSound) throw new Error(`segment ${copy} is damaged`)
  await move.finish()
}

class Move {
  readonly #db: IndexDb
  readonly #catalog: Catalog
  readonly #copy: number
  readonly #onMoved: (queue: QueueUid) => void
  /** What the copy stands for where that is more than its runs; those that were dealt with leave. */
  readonly stretches = new Map<
    QueueUid,
    { readonly firstOffset: number; readonly nextOffset: number }
  >()
  /** Runs of one queue that are not in the index yet. */
  #runs: PlacedRun[] = []
  /** Up to here the queue's are. */
  #movedTo: number | undefined

  constructor(db: IndexDb, catalog: Catalog, copy: number, onMoved: (queue: QueueUid) => void) {
    this.#db = db
    this.#catalog = catalog
    this.#copy = copy
    this.#onMoved = onMoved
  }

  /** Ascending by queue and offset. */
  take(run: PlacedRun): Promise<void> | undefined {
    const queue = this.#runs[0]?.queue ?? run.queue
    const isFull = this.#runs.length >= runsMax
    if (queue === run.queue && !isFull) {
      this.#runs.push(run)
      return undefined
    }
    return this.#flush(queue !== run.queue).then(() => {
      this.#runs.push(run)
    })
  }

  async finish(): Promise<void> {
    if (this.#runs.length > 0) await this.#flush(true)
    for (const [queue, { firstOffset, nextOffset }] of this.stretches)
      await this.#replace(queue, firstOffset, nextOffset, [])
  }

  async #flush(isLast: boolean): Promise<void> {
    const runs = this.#runs
    this.#runs = []
    const { queue, baseOffset } = runs[0] as PlacedRun
    const end = (runs.at(-1) as PlacedRun).nextOffset
    const stretch = this.stretches.get(queue)
    const from = this.#movedTo ?? Math.min(baseOffset, stretch?.firstOffset ?? baseOffset)
    const to = isLast ? Math.max(end, stretch?.nextOffset ?? end) : end
    await this.#replace(queue, from, to, runs)
    this.#movedTo = isLast ? undefined : to
    if (isLast) this.stretches.delete(queue)
  }

  async #replace(
    queue: QueueUid,
    from: number,
    to: number,
    runs: readonly PlacedRun[]
  ): Promise<void> {
    const { queues, segments } = this.#catalog
    if (!queues.has(queue)) return
    // What follows is to be moved next; until then it is found where it was.
    const stays = ({ segment, baseOffset }: RunEntry): boolean =>
      baseOffset >= to || (segments.has(segment) && (segment !== this.#copy || baseOffset < from))
    await this.#db.replaceRuns(queue, from, to, (old) => merged(old.filter(stays), runs, old))
    this.#onMoved(queue)
  }
}

function merged(
  kept: readonly RunEntry[],
  moved: readonly PlacedRun[],
  before: readonly RunEntry[]
): RunEntry[] {
  const entries = moved.map((run) => ({
    baseOffset: run.baseOffset,
    nextOffset: run.nextOffset,
    segment: run.segment,
    position: run.entryPosition + run.headerBytes,
    bytes: run.bytes,
    appendTimeMs: run.appendTimeMs,
    maxTimestamp: run.maxTimestamp,
    runningMax: Math.max(knownMax(before, run.baseOffset), run.maxTimestamp),
    flags: run.flags
  }))
  const all = [...kept, ...entries].sort((a, b) => a.baseOffset - b.baseOffset)
  let runningMax = Number.NEGATIVE_INFINITY
  return all.map((entry) => {
    runningMax = Math.max(runningMax, entry.runningMax)
    return { ...entry, runningMax }
  })
}

/** The queue's greatest timestamp up to the run that held the offset, as the index knew it: at most so much is left. */
function knownMax(before: readonly RunEntry[], offset: number): number {
  let low = 0
  let high = before.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((before[middle] as RunEntry).baseOffset <= offset) low = middle + 1
    else high = middle
  }
  return before[low - 1]?.runningMax ?? -1
}
