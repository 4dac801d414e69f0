/**
 * What the clients of a server on a faulty disk were told, kept so that test/crash/history.ts can judge it. In the
 * flush mode async an acknowledgement alone does not outlive a machine: it counts once somebody was told of an end
 * behind it, which only durable records have.
 */
import type { FlushMode } from '../../storage/index.ts'
import {
  type CompactedTopics,
  checkHistory,
  type HistoryEvent,
  type RecordId,
  type SeenRecord
} from '../crash/history.ts'
import { Violation } from '../storage/power-cut/violation.ts'

type Acknowledged = Extract<HistoryEvent, { kind: 'acknowledged' | 'commit-acknowledged' }>

export class FaultHistory {
  readonly #events: HistoryEvent[] = []
  readonly #flushMode: FlushMode
  readonly #lostOf: (partition: number) => ReadonlySet<number>
  /** Flush mode async: acknowledged, and nothing says that it is durable. */
  #unsettled: Acknowledged[] = []
  /** By partition: the greatest end that anybody was told. */
  readonly #toldEnds = new Map<number, number>()
  acknowledged = 0
  given = 0
  toldEnds = 0
  /** Acknowledgements that a power cut in the flush mode async may have taken back. */
  disowned = 0
  /** Set before there is an event of theirs. */
  compacted: CompactedTopics | undefined

  /** `lostOf`: offsets of a partition whose bytes were damaged, so that readers may be taken past them. */
  constructor(flushMode: FlushMode, lostOf: (partition: number) => ReadonlySet<number>) {
    this.#flushMode = flushMode
    this.#lostOf = lostOf
  }

  readonly record = (event: HistoryEvent): void => {
    if (event.kind === 'acknowledged' || event.kind === 'commit-acknowledged') {
      this.acknowledged++
      if (this.#flushMode === 'async') {
        this.#unsettled.push(event)
        return
      }
    }
    if (event.kind !== 'given') {
      if (event.kind === 'read' && event.end !== undefined) this.toldEnd(event.partition, event.end)
      this.#events.push(event)
      return
    }
    this.given += event.records.length
    this.#events.push({ ...event, lost: this.#lostOf(event.partition) })
  }

  /** Somebody was told that the partition ends at `end`: all before it is durable, and no later end is lower. */
  toldEnd(partition: number, end: number): void {
    this.toldEnds++
    const before = this.#toldEnds.get(partition) ?? 0
    if (end < before) {
      throw new Violation(`${partition} ended at ${before}, now at ${end}`)
    }
    this.#toldEnds.set(partition, end)
    this.#settle((event) => event.kind === 'acknowledged' && isBefore(event, partition, end))
  }

  /** The process alone died: what was acknowledged in either mode is there. */
  processKilled(): void {
    this.#settle(() => true)
  }

  /** The machine went down. */
  powerCut(): void {
    this.disowned += this.#unsettled.length
    this.#unsettled = []
  }

  /** A partition was read from 0 to its end after a restart. `lost`: offsets whose bytes were damaged. */
  readAll(partition: number, records: readonly SeenRecord[], lost: ReadonlySet<number>): void {
    const end = (records.at(-1)?.offset ?? -1) + 1
    const told = this.#toldEnds.get(partition) ?? 0
    const isExcused = Array.from({ length: Math.max(0, told - end) }, (_, i) => end + i).every(
      (offset) => lost.has(offset)
    )
    if (!isExcused) throw new Violation(`${partition} ends at ${end}, ${told} was told`)
    this.#toldEnds.set(partition, end)
    this.#events.push({ kind: 'read', partition, records, lost })
    // It is what a consumer has now.
    for (const one of stretches(records)) {
      this.#events.push({ kind: 'given', partition, from: one[0]?.offset ?? 0, records: one })
    }
  }

  /** Commits may be gone with the state that was damaged. */
  commitsLost(): void {
    this.#events.push({ kind: 'commits-lost' })
    this.#unsettled = this.#unsettled.filter(({ kind }) => kind !== 'commit-acknowledged')
  }

  /** Throws Violation for what a correct server cannot have shown. */
  judge(): void {
    const violations = checkHistory(this.#events, this.compacted)
    if (violations.length === 0) return
    throw new Violation(violations.map(({ rule, detail }) => `${rule}: ${detail}`).join('\n'))
  }

  #settle(isDurable: (event: Acknowledged) => boolean): void {
    const durable = this.#unsettled.filter(isDurable)
    this.#unsettled = this.#unsettled.filter((event) => !isDurable(event))
    this.#events.push(...durable)
  }
}

function isBefore(
  { baseOffset, ids }: { baseOffset: number; ids: readonly RecordId[] },
  partition: number,
  end: number
): boolean {
  return ids[0]?.partition === partition && baseOffset + ids.length <= end
}

/** Records without a gap between them. */
function stretches(records: readonly SeenRecord[]): SeenRecord[][] {
  const all: SeenRecord[][] = []
  for (const record of records) {
    const last = all.at(-1)
    if (last !== undefined && last.at(-1)?.offset === record.offset - 1) last.push(record)
    else all.push([record])
  }
  return all
}
