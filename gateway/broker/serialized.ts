/**
 * Runs tasks of one key one after the other, in the order they came; tasks of different keys do not wait. How many wait
 * is limited by whoever asks: a connection handles one such request at a time, with `changesAtOnceMax` changes.
 */
export class Serialized {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Resolves or rejects as `task` does. A task that fails does not keep later ones from running. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const mine = before === undefined ? task() : before.then(task, task)
    this.#tails.set(key, mine)
    try {
      return await mine
    } finally {
      // The last one leaves nothing behind.
      if (this.#tails.get(key) === mine) this.#tails.delete(key)
    }
  }
}
