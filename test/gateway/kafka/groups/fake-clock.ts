import type { Clock, Timer } from '../../../../storage/ports.ts'

interface Waiting {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

/** Time that goes on only when told to; timers fire at their time, in order. */
export class FakeClock implements Clock {
  #nowMs = 1_700_000_000_000
  #order = 0
  readonly #waiting = new Set<Waiting>()

  now(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, fire: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, order: this.#order++, fire }
    this.#waiting.add(timer)
    return { cancel: () => this.#waiting.delete(timer) }
  }

  get timers(): number {
    return this.#waiting.size
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      const next = [...this.#waiting]
        .filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
      if (next === undefined) break
      this.#waiting.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.fire()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#nowMs = endMs
  }

  /** The server stands still: time goes on, timers fire late. */
  async stall(ms: number): Promise<void> {
    this.#nowMs += ms
    await this.advance(0)
  }
}
