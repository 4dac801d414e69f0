import type { CheckProblem, Problems } from './check-report.ts'
import type { QueueUid, TopicId } from './contract.ts'
import type { SnapshotHeader } from './layout/snapshot.ts'
import type { LoggedChange } from './layout/types.ts'
import type { StoredRow } from './state/stored-rows.ts'

/** What a snapshot says of segments and queues. */
interface State {
  /** Of the last group that it holds. */
  readonly sequence: number
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
  /** Segments that were in the live set at some time, and the last group or snapshot that says so. */
  readonly #live = new Map<number, number>()
  /** Stretches of queues that are in cleaner's copies. */
  readonly #copied = new Map<QueueUid, { readonly from: number; readonly to: number }[]>()
  readonly #topics = new Set<TopicId>()
  readonly #logStarts = new Map<QueueUid, number>()
  readonly #states: State[] = []
  #doubts: Doubt[] = []

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** `sequence`: of the group that it is in. */
  noteChange(change: LoggedChange, sequence: number): void {
    if (change.op === 'drop-topic') this.#topics.add(change.topicId)
    else if (change.op === 'put') this.#noteRow(change.entry, sequence)
    else if (change.key.family === 'segment') this.#segments.add(Number(change.key.item))
  }

  noteSnapshot(header: SnapshotHeader, rows: readonly StoredRow[]): void {
    const live = new Set<number>()
    const queues = new Set<QueueUid>()
    let nextQueueUid = 0
    for (const entry of rows) {
      this.#noteRow(entry, header.sequence)
      if (entry.family === 'segment') live.add(entry.row.id)
      else if (entry.family === 'queue') queues.add(entry.row.queue)
      else if (entry.family === 'counters') nextQueueUid = entry.row.nextQueueUid
    }
    const { sequence, address } = header
    this.#states.push({ sequence, segment: address.segment, live, queues, nextQueueUid })
  }

  #noteRow(entry: StoredRow, sequence: number): void {
    if (entry.family === 'segment') {
      const { id } = entry.row
      this.#live.set(id, Math.max(sequence, this.#live.get(id) ?? 0))
    }
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
    // A copy gets its id when it is begun, and is live once it is complete: the log may have gone on by segments.
    const since = this.#live.get(id) ?? 0
    return this.#states.some(
      // A snapshot without segment rows says nothing.
      ({ sequence, segment, live }) =>
        live.size > 0 && sequence >= since && id < segment && !live.has(id)
    )
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
