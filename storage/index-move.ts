/** The index follows runs that were copied into another segment. Doing it twice does no harm. */
import type { Catalog } from './catalog.ts'
import type { QueueUid } from './contract.ts'
import type { IndexDb } from './index-db.ts'
import type { RunEntry } from './run-list.ts'
import type { PlacedRun } from './segment-copy.ts'

/** `runs`: of one live segment, by queue and offset. Entries of segments that are not live any more go. */
export async function moveIndex(
  db: IndexDb,
  { queues, segments }: Catalog,
  runs: readonly PlacedRun[],
  onMoved: (queue: QueueUid) => void
): Promise<void> {
  for (let from = 0; from < runs.length; ) {
    const first = runs[from] as PlacedRun
    let to = from
    while (runs[to]?.queue === first.queue) to++
    const moved = runs.slice(from, to)
    from = to
    if (!queues.has(first.queue)) continue
    const end = (moved.at(-1) as PlacedRun).nextOffset
    await db.replaceRuns(first.queue, first.baseOffset, end, (old) =>
      merged(
        old.filter(({ segment }) => segments.has(segment) && segment !== first.segment),
        moved,
        old
      )
    )
    onMoved(first.queue)
  }
}

function merged(
  kept: readonly RunEntry[],
  moved: readonly PlacedRun[],
  before: readonly RunEntry[]
): RunEntry[] {
  const knownMax = new Map(before.map(({ baseOffset, runningMax }) => [baseOffset, runningMax]))
  const entries = moved.map((run) => ({
    baseOffset: run.baseOffset,
    nextOffset: run.nextOffset,
    segment: run.segment,
    position: run.entryPosition + run.headerBytes,
    bytes: run.bytes,
    appendTimeMs: run.appendTimeMs,
    maxTimestamp: run.maxTimestamp,
    runningMax: knownMax.get(run.baseOffset) ?? run.maxTimestamp,
    flags: run.flags
  }))
  return [...kept, ...entries].sort((a, b) => a.baseOffset - b.baseOffset)
}
