/**
 * How many requests of one connection are started before the other connections have their turn. One read may bring
 * thousands of small ones, and each answer lets the next one start, so that without an end to it the process would
 * look at nobody else before all are done.
 */
export class RequestTurn {
  readonly #max: number
  readonly #goOn: () => void
  #left: number
  #isPlanned = false

  /** `goOn` is called when it is the connection's turn again, after `take` said no. */
  constructor(max: number, goOn: () => void) {
    this.#max = max
    this.#goOn = goOn
    this.#left = max
  }

  /** Whether one more may be started now. Counted over turns in which fewer were: that costs an extra turn at most. */
  take(): boolean {
    if (this.#left > 0) {
      this.#left--
      return true
    }
    if (!this.#isPlanned) {
      this.#isPlanned = true
      // Behind all sockets that have something to read by now.
      setImmediate(() => {
        this.#isPlanned = false
        this.#left = this.#max
        this.#goOn()
      })
    }
    return false
  }
}
