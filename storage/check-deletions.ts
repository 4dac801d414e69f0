import type { CheckProblem, Problems } from './check-report.ts'
import type { QueueUid, TopicId } from './contract.ts'
import type { SnapshotHeader } from './layout/snapshot.ts'
import type { LoggedChange } from './layout/types.ts'
import type { StoredRow } from './state/stored-rows.ts'

/** What a snapshot says of segments and queues. */
interface State {
  /** Of the address that replay goes on from. */
  readonly segment: number
  readonly live: ReadonlySet<number>
  readonly queues: ReadonlySet<QueueUid>
  readonly nextQueueUid: QueueUid
}

interface Doubt {
  readonly problem: CheckProblem
  readonly isExplained: () => boolean
}

/**
 * What log and snapshots say was taken away on purpose. What seems to be missing is a problem only if nothing of it
 * explains why; that is known when all has been read.
 */
export class Deletions {
  readonly #problems: Problems
  readonly #segments = new Set<number>()
  /** Segments that were in the live set at some time. */
  readonly #live = new Set<number>()
  /** Stretches of queues that are in cleaner's copies. */
  readonly #copied = new Map<QueueUid, { readonly from: number; readonly to: number }[]>()
  readonly #topics = new Set<TopicId>()
  readonly #logStarts = new Map<QueueUid, number>()
  readonly #states: State[] = []
  #doubts: Doubt[] = []

  constructor(problems: Problems) {
    this.#problems = problems
  }

  noteChange(change: LoggedChange): void {
    if (change.op === 'drop-topic') this.#topics.add(change.topicId)
    else if (change.op === 'put') this.#noteRow(change.entry)
    else if (change.key.family === 'segment') this.#segments.add(Number(change.key.item))
  }

  noteSnapshot(header: SnapshotHeader, rows: readonly StoredRow[]): void {
    const live = new Set<number>()
    const queues = new Set<QueueUid>()
    let nextQueueUid = 0
    for (const entry of rows) {
      this.#noteRow(entry)
      if (entry.family === 'segment') live.add(entry.row.id)
      else if (entry.family === 'queue') queues.add(entry.row.queue)
      else if (entry.family === 'counters') nextQueueUid = entry.row.nextQueueUid
    }
    this.#states.push({ segment: header.address.segment, live, queues, nextQueueUid })
  }

  #noteRow(entry: StoredRow): void {
    if (entry.family === 'segment') this.#live.add(entry.row.id)
    if (entry.family !== 'log-start') return
    const { queue, offset } = entry.row
    this.#logStarts.set(queue, Math.max(offset, this.#logStarts.get(queue) ?? 0))
  }

  /** Records that a live copy holds. */
  noteCopied(queue: QueueUid, from: number, to: number): void {
    const stretches = this.#copied.get(queue)
    if (stretches === undefined) this.#copied.set(queue, [{ from, to }])
    else stretches.push({ from, to })
  }

  /** Something is wrong unless `isExplained` holds in the end. */
  doubt(problem: CheckProblem, isExplained: () => boolean): void {
    this.#doubts.push({ problem, isExplained })
  }

  /** The doubts that nothing explains are problems. */
  judge(): void {
    for (const { problem, isExplained } of this.#doubts)
      if (!isExplained()) this.#problems.add(problem)
    this.#doubts = []
  }

  isSegmentDeleted(id: number): boolean {
    if (this.#segments.has(id)) return true
    // A snapshot without segment rows says nothing.
    return this.#states.some(({ segment, live }) => live.size > 0 && id < segment && !live.has(id))
  }

  wasSegmentLive(id: number): boolean {
    return this.#live.has(id)
  }

  /** Whether the queue's records in `[from, to)` are in copies, as far as anybody can read them. */
  isAccountedFor(queue: QueueUid, topic: TopicId | undefined, from: number, to: number): boolean {
    let next = Math.max(from, this.#logStarts.get(queue) ?? 0)
    const stretches = [...(this.#copied.get(queue) ?? [])].sort((a, b) => a.from - b.from)
    for (const one of stretches) if (one.from <= next && one.to > next) next = one.to
    if (next >= to) return true
    if (topic !== undefined && this.#topics.has(topic)) return true
    return this.#states.some((one) => queue < one.nextQueueUid && !one.queues.has(queue))
  }
}
