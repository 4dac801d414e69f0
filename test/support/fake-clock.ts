import { setImmediate } from 'node:timers/promises'
import type { Clock, Timer } from '../../storage/ports.ts'

interface Waiting {
  readonly due: number
  readonly order: number
  readonly fire: () => void
}

/** A clock under the test's hand: time stands still until `advance`. */
export class FakeClock implements Clock {
  #nowMs: number
  #monotonicMs = 0
  #order = 0
  #waiting: Waiting[] = []

  constructor(nowMs = 1_750_000_000_000) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  after(delayMs: number, fire: () => void): Timer {
    const waiting = { due: this.#monotonicMs + Math.max(delayMs, 0), order: this.#order++, fire }
    this.#waiting.push(waiting)
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
      }
    }
  }

  /** Timers that were started and have neither fired nor been cancelled. */
  get timers(): number {
    return this.#waiting.length
  }

  /** How long nothing wakes up by itself; Infinity without a timer. */
  get quietMs(): number {
    return Math.min(...this.#waiting.map(({ due }) => due)) - this.#monotonicMs
  }

  /**
   * Moves both clocks on by `ms`. Timers due fire in order of their time, each at its time, and what they set off
   * settles before the next one fires; timers that they start count too.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonicMs + ms
    await settled()
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#waiting = this.#waiting.filter((other) => other !== next)
      this.#move(Math.max(next.due - this.#monotonicMs, 0))
      next.fire()
      await settled()
    }
    this.#move(end - this.#monotonicMs)
  }

  /** Steps the wall clock alone, backwards too, as an operator or NTP does. */
  stepWallClock(ms: number): void {
    this.#nowMs += ms
  }

  #move(ms: number): void {
    this.#monotonicMs += ms
    this.#nowMs += ms
  }

  #next(end: number): Waiting | undefined {
    let first: Waiting | undefined
    for (const one of this.#waiting) {
      if (one.due > end) continue
      if (!first || one.due < first.due || (one.due === first.due && one.order < first.order)) {
        first = one
      }
    }
    return first
  }
}

/** Lets promises, in-memory files and stores get as far as they can without time passing. */
export async function settled(rounds = 8): Promise<void> {
  for (let round = 0; round < rounds; round++) await setImmediate()
}
