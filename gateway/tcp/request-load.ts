/**
 * What a server's connections have in hand: requests that are not answered, answers that are not sent.
 *
 * Above the limit of requests, or when the store says that it is overloaded, no connection is read; reading goes on
 * when half of the limit is free and the pause is over.
 */
import type { Clock, Timer } from '../../storage/ports.ts'
import type { TcpLimits } from './limits.ts'

/** Who stops reading while there is too much to do. */
export interface LoadWaiter {
  loadEased(): void
}

export class RequestLoad {
  readonly #limits: TcpLimits
  readonly #clock: Clock
  readonly #waiters = new Set<LoadWaiter>()
  #bytes = 0
  #answerBytes = 0
  #timer: Timer | undefined

  constructor(limits: TcpLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Of answers that are being made or wait to be sent. */
  get answerBytes(): number {
    return this.#answerBytes
  }

  /** Room for an answer of `bytes`, or for a part of it; counted until it is given back through `addAnswer`. */
  reserveAnswer(bytes: number): number {
    const room = this.#limits.answerBytesMax - this.#answerBytes
    const granted = Math.min(bytes, Math.max(room, this.#limits.answerBytesMin))
    this.#answerBytes += granted
    return granted
  }

  addAnswer(bytes: number): void {
    this.#answerBytes += bytes
  }

  get waiting(): number {
    return this.#waiters.size
  }

  get full(): boolean {
    return this.#timer !== undefined || this.#bytes > this.#limits.requestBytesMax
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  remove(bytes: number): void {
    this.#bytes -= bytes
    if (this.#waiters.size > 0) this.#ease()
  }

  /** The store refused for overload: nothing is read for a while. */
  overloaded(): void {
    this.#timer ??= this.#clock.after(this.#limits.overloadPauseMs, () => {
      this.#timer = undefined
      this.#ease()
    })
  }

  /** Calls `waiter.loadEased` once, when there is room. */
  wait(waiter: LoadWaiter): void {
    this.#waiters.add(waiter)
  }

  /** The waiter is gone. */
  forget(waiter: LoadWaiter): void {
    this.#waiters.delete(waiter)
  }

  /** Ends the timer. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #ease(): void {
    if (this.#bytes * 2 > this.#limits.requestBytesMax) return
    if (this.#timer !== undefined) return
    const eased = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of eased) waiter.loadEased()
  }
}
