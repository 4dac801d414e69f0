import { setMaxListeners } from 'node:events'

/**
 * An answer that has to wait (a join until its rebalance completes, a sync until the leader has assigned). It is given
 * once; when the asking connection goes first, `vanished` is called and the answer becomes `ifVanished`, which nobody
 * reads.
 */
export class Parked<Result> {
  readonly answered: Promise<Result>
  #resolve: ((result: Result) => void) | null = null
  readonly #unwatch: () => void

  constructor(signal: AbortSignal, ifVanished: Result, vanished: (parked: Parked<Result>) => void) {
    this.answered = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#unwatch = whenVanished(signal, () => {
      this.answer(ifVanished)
      vanished(this)
    })
  }

  answer(result: Result): void {
    const resolve = this.#resolve
    if (resolve === null) return
    this.#resolve = null
    this.#unwatch()
    resolve(result)
  }
}

/** Calls `act` when the connection is gone; returns what stops the watch. */
export function whenVanished(signal: AbortSignal, act: () => void): () => void {
  // A connection may have asked for many ids; their number has a limit of its own.
  setMaxListeners(0, signal)
  signal.addEventListener('abort', act, { once: true })
  return () => signal.removeEventListener('abort', act)
}
