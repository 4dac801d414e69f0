/**
 * Checks that run on the clock, and only when there is something to do: some time after an event that may matter, and
 * when the check before said that something will be due. While all is quiet no timer is set.
 */
import { StoreError } from './errors.ts'
import type { Clock, LogSink, Timer } from './ports.ts'

/** A timer is not set for longer. */
const timerMsMax = 2 ** 31 - 1

export interface DueChecksParts {
  readonly clock: Clock
  readonly logSink: LogSink
  /** Longest time from an event to the check, and shortest between two checks, ms. */
  readonly intervalMs: number
  /** Does what is due; says when something will be, wall clock, Infinity for never. May reject with anything. */
  readonly check: () => Promise<number>
  /** Logged where a check fails. */
  readonly failure: string
}

export class DueChecks {
  readonly #parts: DueChecksParts
  #timer: Timer | undefined
  /** The timer fires within the interval. */
  #isSoon = false
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(parts: DueChecksParts) {
    this.#parts = parts
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Something happened: there is a check within the interval. */
  soon(): void {
    if (this.#isSoon || this.#isStopped) return
    this.#isSoon = true
    this.#arm(this.#parts.intervalMs)
  }

  /** Does now what the next check would do. Rejects with StoreError. */
  async run(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    if (this.#isStopped) return
    const running = this.#check().catch((error: Error) => {
      throw error instanceof StoreError ? error : ioFailure(error, this.#parts.failure)
    })
    this.#running = running
      .catch(() => undefined)
      .finally(() => {
        this.#running = undefined
      })
    await running
  }

  /** No check begins any more; resolves when one under way is done. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    while (this.#running !== undefined) await this.#running
  }

  async #check(): Promise<void> {
    const { clock, intervalMs, check } = this.#parts
    const nextMs = await check()
    if (this.#isSoon || this.#isStopped || nextMs === Number.POSITIVE_INFINITY) return
    this.#arm(Math.max(nextMs - clock.now(), intervalMs))
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel()
    const { clock, logSink, failure } = this.#parts
    this.#timer = clock.after(Math.min(Math.ceil(delayMs), timerMsMax), () => {
      this.#timer = undefined
      this.#isSoon = false
      this.run().catch((error: Error) => {
        if (this.#isStopped) return
        logSink('warn', failure, { reason: error.message })
        // A store that failed takes no commit any more; one that was busy does later.
        if (error instanceof StoreError && error.code !== 'io-failed') this.soon()
      })
    })
  }
}

function ioFailure(cause: Error, what: string): StoreError {
  return new StoreError('io-failed', `${what}: ${cause.message}`, {}, { cause })
}
