/**
 * Work on many bytes, in slices: so many bytes a turn of the event loop for all who have such work, in the order in
 * which they came. Between two slices the loop looks at sockets and at the disk, so that an append, its
 * acknowledgement or a small request waits for a slice of what others read, and not for all of it.
 */
import type { BulkTurns } from './ports.ts'

/** Of one turn. With half of it readers get less, for each turn costs some; with more an append waits longer. */
const sliceBytes = 256 * 1024

interface Waiting {
  readonly bytes: number
  readonly go: () => void
}

export class SlicedTurns implements BulkTurns {
  readonly #sliceBytes: number
  readonly #next = () => this.#turn()
  /** Of this turn's bytes; below 0 after a piece that was larger than what there was. */
  #left: number
  #line: Waiting[] = []
  #isPlanned = false

  constructor(bytes: number = sliceBytes) {
    this.#sliceBytes = bytes
    this.#left = bytes
  }

  /** What turns leave is counted on: where nobody has to wait there is no extra turn. */
  take(bytes: number): boolean {
    if (this.#line.length > 0 || this.#left <= 0) return false
    this.#left -= bytes
    return true
  }

  wait(bytes: number, go: () => void): void {
    this.#line.push({ bytes, go })
    this.#plan()
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    // Behind all sockets and files that have something by now.
    setImmediate(this.#next)
  }

  #turn(): void {
    this.#isPlanned = false
    // What one took too much is missing in the turns after it.
    this.#left = Math.min(this.#left + this.#sliceBytes, this.#sliceBytes)
    let count = 0
    while (count < this.#line.length && this.#left > 0) {
      const { bytes, go } = this.#line[count++] as Waiting
      this.#left -= bytes
      go()
    }
    this.#line.splice(0, count)
    if (this.#line.length > 0) this.#plan()
  }
}

/** The process has one event loop, whoever works in it. */
export const systemTurns: BulkTurns = new SlicedTurns()
