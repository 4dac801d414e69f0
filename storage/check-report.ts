import type { QueueUid } from './contract.ts'

/** What a check found, as data; whoever prints it names topic, queue, offsets and segment from here. */
export interface CheckProblem {
  readonly where: 'folder' | 'segment' | 'group' | 'run' | 'batch' | 'snapshot' | 'index'
  readonly what: string
  readonly segment?: number
  /** In the segment's file. */
  readonly position?: number
  /** Kafka's name, as the nearest description before it in the segment says. */
  readonly topic?: string
  /** Number within the topic. */
  readonly queue?: number
  readonly uid?: QueueUid
  /** First and last offset concerned. */
  readonly offsets?: { readonly first: number; readonly last: number }
  /** Name of a file that is no segment. */
  readonly file?: string
}

export interface CheckTotals {
  segments: number
  groups: number
  runs: number
  batches: number
  records: number
  stateChanges: number
  /** Headers, groups and footers. */
  bytes: number
  /** Those that can be read. */
  snapshots: number
}

export interface CheckReport {
  /** 32 hex digits; absent where no segment has a readable header. */
  readonly storeId?: string
  /** 0 for an empty log. */
  readonly lastSequence: number
  readonly totals: Readonly<CheckTotals>
  readonly problems: readonly CheckProblem[]
  /** Problems beyond `problemsMax`. */
  readonly problemsLeftOut: number
  /** What the next open will cut off. None after a clean close. */
  readonly torn?: {
    readonly segment: number
    readonly position: number
    readonly bytes: number
    readonly why: string
  }
  /** Segment files that are no part of the log: left by a roll or a deletion that was cut off. */
  readonly strays: readonly string[]
}

/** Collects problems up to a limit. */
export class Problems {
  readonly list: CheckProblem[] = []
  readonly #max: number
  leftOut = 0

  constructor(max: number) {
    this.#max = max
  }

  add(problem: CheckProblem): void {
    if (this.list.length < this.#max) this.list.push(problem)
    else this.leftOut += 1
  }
}
