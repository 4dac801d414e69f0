import type { Clock, Timer } from '../../../storage/ports.ts'

/**
 * How long a member may stay silent. Touching it is cheap (a heartbeat starts no timer): the one timer looks at the
 * deadline when it fires and goes on for what is left.
 */
export class Session {
  readonly #clock: Clock
  readonly #stalledTimerMs: number
  readonly #expire: () => void
  #timer: Timer | null = null
  #firesAt = 0
  #deadline = 0
  #timeoutMs = 0

  /** `expire` is called once for every silence of the whole timeout; the session has stopped then. */
  constructor(clock: Clock, stalledTimerMs: number, expire: () => void) {
    this.#clock = clock
    this.#stalledTimerMs = stalledTimerMs
    this.#expire = expire
  }

  /** Starts the session, or starts it over. */
  touch(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs
    this.#deadline = this.#clock.monotonicMs() + timeoutMs
    if (this.#timer !== null && this.#firesAt <= this.#deadline) return
    this.#arm(timeoutMs)
  }

  /** Who waits for us is not silent: nothing expires until the next touch. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel()
    this.#firesAt = this.#clock.monotonicMs() + delayMs
    this.#timer = this.#clock.after(delayMs, () => this.#fired())
  }

  #fired(): void {
    this.#timer = null
    const now = this.#clock.monotonicMs()
    if (now - this.#firesAt > this.#stalledTimerMs) {
      this.touch(this.#timeoutMs)
      return
    }
    const leftMs = this.#deadline - now
    // A timer may fire a fraction of a millisecond early.
    if (leftMs >= 1) this.#arm(leftMs)
    else this.#expire()
  }
}
