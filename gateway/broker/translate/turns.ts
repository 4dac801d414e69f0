/** Lets so many tasks run at a time; the others wait in the order they came. Whoever asks bounds how many wait. */
export class Turns {
  readonly #atOnceMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax
  }

  /** Resolves or rejects as `task` does. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnceMax) this.#running++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await task()
    } finally {
      // A turn is handed on, so that nobody comes in between.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
