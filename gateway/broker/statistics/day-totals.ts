/** A total as it is now, as it was when today began, and as it was when yesterday did (RocketMQ's BrokerStats). */
import type { Clock } from '../../../storage/ports.ts'

export class DayTotals {
  readonly #clock: Pick<Clock, 'now'>
  #now = 0
  #today = 0
  #yesterday = 0
  #dayEndMs: number

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
    this.#dayEndMs = midnightAfter(clock.now(), 1)
  }

  add(count: number): void {
    this.#turn()
    this.#now += count
  }

  get(): { readonly now: number; readonly today: number; readonly yesterday: number } {
    this.#turn()
    return { now: this.#now, today: this.#today, yesterday: this.#yesterday }
  }

  /** Days are the machine's own. Whatever was counted was before midnight, or this would have been called since. */
  #turn(): void {
    const nowMs = this.#clock.now()
    if (nowMs < this.#dayEndMs) return
    const isNextDay = nowMs < midnightAfter(this.#dayEndMs, 1)
    this.#yesterday = isNextDay ? this.#today : this.#now
    this.#today = this.#now
    this.#dayEndMs = midnightAfter(nowMs, 1)
  }
}

function midnightAfter(ms: number, days: number): number {
  const day = new Date(ms)
  day.setHours(0, 0, 0, 0)
  day.setDate(day.getDate() + days)
  return day.getTime()
}
