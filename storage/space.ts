/** Free disk space against the reserve: below it appends are refused, so that state and index never meet ENOSPC. */
import type { Clock, FileSystem } from './ports.ts'

/** The disk is asked again after this many bytes of ours, or this long while there is work. */
const askAfterBytes = 16 * 1024 * 1024
const askAfterMs = 1000
/** How often a full disk is asked again, at most; only refused appends ask. */
const askWhileFullMs = 250

export class Space {
  readonly #fileSystem: FileSystem
  readonly #clock: Clock
  readonly #folder: string
  readonly #reserveBytes: number
  #freeBytes = 0
  #diskBytes = 0
  #writtenSince = 0
  #askedMs = 0
  #asking: Promise<void> | undefined

  constructor(fileSystem: FileSystem, clock: Clock, folder: string, reserveBytes: number) {
    this.#fileSystem = fileSystem
    this.#clock = clock
    this.#folder = folder
    this.#reserveBytes = reserveBytes
  }

  get freeBytes(): number {
    return Math.max(0, this.#freeBytes - this.#writtenSince)
  }

  /** Size of the disk. */
  get diskBytes(): number {
    return this.#diskBytes
  }

  get isFull(): boolean {
    return this.freeBytes < this.#reserveBytes
  }

  /** Counts what was written; asks the disk again when it is time. */
  async noteWritten(bytes: number): Promise<void> {
    this.#writtenSince += bytes
    const due =
      this.#writtenSince >= askAfterBytes ||
      this.isFull ||
      this.#clock.monotonicMs() - this.#askedMs >= askAfterMs
    if (due) await this.ask()
  }

  /** An append was refused for space: look whether there is some again. */
  noteRefused(): void {
    if (this.#clock.monotonicMs() - this.#askedMs >= askWhileFullMs) void this.ask()
  }

  /** A disk that cannot be asked counts as it did before. */
  ask(): Promise<void> {
    this.#asking ??= this.#fileSystem
      .space(this.#folder)
      .then(
        (report) => {
          this.#freeBytes = report.freeBytes
          this.#diskBytes = report.totalBytes
          this.#writtenSince = 0
        },
        () => undefined
      )
      .finally(() => {
        this.#askedMs = this.#clock.monotonicMs()
        this.#asking = undefined
      })
    return this.#asking
  }
}
