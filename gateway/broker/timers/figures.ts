import { type TimerKind, timerKinds } from './timer.ts'

/** Upper bounds of the buckets that lateness is counted in, seconds; one bucket more is for what is later. */
export const latenessBounds = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600] as const

/** What became of the timers of one kind since the start; counters never fall. */
export interface KindFigures {
  readonly added: number
  /** Settled because they were due. */
  readonly fired: number
  /** Settled by somebody else: recalled, committed, rolled back. */
  readonly settled: number
  /** Came due and were put again. */
  readonly again: number
  /** Settled without a copy, because there could never be one. */
  readonly dropped: number
  /** Turns that ended because the store refused. */
  readonly refused: number
  /** From due time to the append of the copy. */
  readonly latenessBuckets: readonly number[]
  readonly latenessSumSeconds: number
}

export type TimerFigures = { readonly [Kind in TimerKind]: KindFigures }

export class KindCounters implements KindFigures {
  added = 0
  fired = 0
  settled = 0
  again = 0
  dropped = 0
  refused = 0
  readonly latenessBuckets: number[] = new Array<number>(latenessBounds.length + 1).fill(0)
  latenessSumSeconds = 0

  noteFired(latenessMs: number): void {
    this.fired++
    const seconds = Math.max(0, latenessMs) / 1000
    const found = latenessBounds.findIndex((bound) => seconds <= bound)
    const bucket = found < 0 ? latenessBounds.length : found
    this.latenessBuckets[bucket] = (this.latenessBuckets[bucket] ?? 0) + 1
    this.latenessSumSeconds += seconds
  }
}

export function newCounters(): Record<TimerKind, KindCounters> {
  const all = timerKinds.map((kind) => [kind, new KindCounters()] as const)
  return Object.fromEntries(all) as Record<TimerKind, KindCounters>
}
