/** Commits that wait for their flush, in their order. */
import type { Pending } from './sealed-group.ts'

/** So many that were taken stay in the list before it is cut. */
const takenMax = 4096

export class CommitLine {
  #commits: Pending[] = []
  /** Those before it were taken. */
  #head = 0
  #onOwn: () => void = () => undefined
  /** Sum of the weights of those in line and of those taken whose group is not done. */
  bytes = 0

  get length(): number {
    return this.#commits.length - this.#head
  }

  get first(): Pending | undefined {
    return this.#commits[this.#head]
  }

  push(pending: Pending): void {
    this.bytes += pending.weight
    if (pending.upkeep === undefined) {
      this.#commits.push(pending)
      return
    }
    // What the store does by itself is what others wait for, also those in line: it goes first, in its own order.
    let at = this.#head
    while (this.#commits[at]?.upkeep !== undefined) at++
    this.#commits.splice(at, 0, pending)
    this.#onOwn()
  }

  /** Resolves when something of the store's own comes into line. */
  ownComes(): Promise<void> {
    return new Promise((resolve) => {
      this.#onOwn = resolve
    })
  }

  /** The commits in line: do not change them. */
  view(): { readonly commits: readonly Pending[]; readonly from: number } {
    return { commits: this.#commits, from: this.#head }
  }

  /** The first `count` are in a group. */
  take(count: number): void {
    this.#head += count
    if (this.#head === this.#commits.length) {
      this.#commits = []
      this.#head = 0
    } else if (this.#head > takenMax) {
      this.#commits = this.#commits.slice(this.#head)
      this.#head = 0
    }
  }

  /** Takes all that are in line. */
  takeAll(): Pending[] {
    const all = this.#commits.slice(this.#head)
    this.#commits = []
    this.#head = 0
    return all
  }

  /** Puts back what was taken: its weight is counted. */
  putBack(commits: readonly Pending[]): void {
    this.#commits = [...commits, ...this.takeAll()]
  }
}
