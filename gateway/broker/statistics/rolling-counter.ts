/**
 * How much came over the last minute, hour and day, as RocketMQ's StatsItem tells it: a window is a row of steps, and
 * the totals are marked where a step begins. Nothing runs by the clock: whoever counts or asks says what time it is.
 */

/** What is counted together: calls, records in them, and their bytes. */
export interface Amounts {
  readonly times: number
  readonly records: number
  readonly bytes: number
}

/** Amounts, and over how long: what came since the oldest mark in the window. */
export interface Counted extends Amounts {
  /** Not less than one step: a burst that has just begun is no rate. */
  readonly elapsedMs: number
}

/** RocketMQ samples for these three every 10 s, every 10 minutes, and every hour. */
export const windows = {
  minute: { stepMs: 10_000, steps: 6 },
  hour: { stepMs: 600_000, steps: 6 },
  day: { stepMs: 3_600_000, steps: 24 }
} as const

export type WindowName = keyof typeof windows

export class RollingCounter {
  #times = 0
  #records = 0
  #bytes = 0
  #lastMs: number
  readonly #minute: Marks
  readonly #hour: Marks
  readonly #day: Marks

  /** Times are monotonic, ms. */
  constructor(nowMs: number) {
    this.#lastMs = nowMs
    this.#minute = new Marks(windows.minute, nowMs)
    this.#hour = new Marks(windows.hour, nowMs)
    this.#day = new Marks(windows.day, nowMs)
  }

  /** When something was counted last. */
  get lastMs(): number {
    return this.#lastMs
  }

  /** All that was ever counted. */
  get total(): Amounts {
    return { times: this.#times, records: this.#records, bytes: this.#bytes }
  }

  add(records: number, bytes: number, nowMs: number): void {
    this.#mark(nowMs)
    this.#times++
    this.#records += records
    this.#bytes += bytes
    this.#lastMs = nowMs
  }

  /** Over the last `steps` steps of a window, and what of the present one has passed; all of it by default. */
  over(name: WindowName, nowMs: number, steps: number = windows[name].steps): Counted {
    this.#mark(nowMs)
    const marks = { minute: this.#minute, hour: this.#hour, day: this.#day }[name]
    const since = marks.since(steps)
    return {
      times: this.#times - since.times,
      records: this.#records - since.records,
      bytes: this.#bytes - since.bytes,
      elapsedMs: Math.max(nowMs - since.atMs, windows[name].stepMs)
    }
  }

  /** Steps that began since they were last looked at began with what there was then. */
  #mark(nowMs: number): void {
    this.#minute.mark(nowMs, this.#times, this.#records, this.#bytes)
    this.#hour.mark(nowMs, this.#times, this.#records, this.#bytes)
    this.#day.mark(nowMs, this.#times, this.#records, this.#bytes)
  }
}

/** Times, records and bytes. */
const columns = 3

/** The totals at the beginnings of the last steps of a window, and of the present one. */
class Marks {
  readonly #stepMs: number
  readonly #size: number
  readonly #totals: Float64Array
  readonly #firstStep: number
  #lastStep: number

  constructor({ stepMs, steps }: { stepMs: number; steps: number }, nowMs: number) {
    this.#stepMs = stepMs
    this.#size = steps + 1
    this.#totals = new Float64Array(this.#size * columns)
    this.#firstStep = Math.floor(nowMs / stepMs)
    this.#lastStep = this.#firstStep
  }

  mark(nowMs: number, times: number, records: number, bytes: number): void {
    const step = Math.floor(nowMs / this.#stepMs)
    const from = Math.max(this.#lastStep, step - this.#size) + 1
    for (let one = from; one <= step; one++) {
      const at = (one % this.#size) * columns
      this.#totals[at] = times
      this.#totals[at + 1] = records
      this.#totals[at + 2] = bytes
    }
    this.#lastStep = Math.max(step, this.#lastStep)
  }

  since(steps: number): Amounts & { readonly atMs: number } {
    const step = Math.max(this.#lastStep - Math.min(steps, this.#size - 1), this.#firstStep)
    const at = (step % this.#size) * columns
    return {
      times: this.#totals[at] ?? 0,
      records: this.#totals[at + 1] ?? 0,
      bytes: this.#totals[at + 2] ?? 0,
      atMs: step * this.#stepMs
    }
  }
}
