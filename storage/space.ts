/**
 * Free disk space against the reserve: below it appends are refused, so that state and index never meet ENOSPC.
 * Should a write meet it all the same (somebody else filled the disk), appends are refused as well, until there is
 * space again.
 */
import type { Clock, FileSystem, LogSink, Timer } from './ports.ts'

/** The disk is asked again after this many bytes of ours, or this long while there is work or interest. */
const askAfterBytes = 16 * 1024 * 1024
const askAfterMs = 1000
/** How often a full disk is asked again at most, whoever wants something of it. */
const askWhileFullMs = 250
/**
 * Refused appends are taken again with this share of the reserve above it, else a disk just at its reserve would take
 * and refuse in turns: a checkpoint and the next segment's beginning take some of what a deletion gave.
 */
const takenAgainShare = 1 / 4
/** But no more than this: a large reserve is not to keep away much more. */
const takenAgainBytesMax = 64 * 1024 * 1024
/** What checkpoints leave alone: with less they wait for space, as far as the reserve is larger than that. */
const checkpointRoomBytes = 4 * 1024 * 1024
/** Of a small reserve checkpoints may use all but this share. */
const checkpointRoomShare = 1 / 2

export interface SpaceParts {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly folder: string
  readonly reserveBytes: number
  readonly logSink: LogSink
  /** There is room for checkpoints again. */
  readonly onRoom: () => void
}

export class Space {
  readonly #parts: SpaceParts
  #freeBytes = 0
  #diskBytes = 0
  #writtenSince = 0
  #askedMs = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined
  /** A write met the end of the disk, and the disk was not asked since. */
  #metEnd = false
  /** Writes that did. */
  #ends = 0
  /** As the log was told. */
  #saidFull = false
  #hadRoom = true
  /** While the disk is full it is asked from time to time, so that who waits for space need not try. */
  #watch: Timer | undefined
  #isStopped = false
  /** Appends that were refused for space. */
  refusals = 0

  constructor(parts: SpaceParts) {
    this.#parts = parts
  }

  /** Bytes, as far as is known; see `freshen`. */
  get freeBytes(): number {
    return this.#metEnd ? 0 : Math.max(0, this.#freeBytes - this.#writtenSince)
  }

  /** Size of the disk. */
  get diskBytes(): number {
    return this.#diskBytes
  }

  /** Appends are to be refused. */
  get isFull(): boolean {
    return this.#metEnd || this.freeBytes < this.#neededBytes
  }

  /** What has to be free for appends to be taken; more after some were refused. */
  get #neededBytes(): number {
    const { reserveBytes } = this.#parts
    if (!this.#saidFull) return reserveBytes
    return reserveBytes + Math.min(reserveBytes * takenAgainShare, takenAgainBytesMax)
  }

  /** A checkpoint would not meet the end of the disk. */
  get hasRoom(): boolean {
    const { reserveBytes } = this.#parts
    const least = Math.min(checkpointRoomBytes, reserveBytes * checkpointRoomShare)
    return !this.#metEnd && this.freeBytes >= least
  }

  /** For the last checkpoint of a closing store; without it the next open replays the log. */
  async hasRoomNow(): Promise<boolean> {
    await this.ask()
    if (!this.hasRoom) this.#parts.logSink('warn', 'checkpoint-skipped', { reason: this.reason })
    return this.hasRoom
  }

  /** Why appends are refused, for people. */
  get reason(): string {
    if (this.#metEnd) return 'the disk is full'
    const { reserveBytes } = this.#parts
    const free = `${this.freeBytes} bytes are free on the disk`
    if (this.freeBytes < reserveBytes) return `${free}, less than the reserve of ${reserveBytes}`
    return `${free}; after less than the reserve of ${reserveBytes} it takes ${this.#neededBytes}`
  }

  /** Counts what was written; asks the disk again when it is time. */
  async noteWritten(bytes: number): Promise<void> {
    this.#writtenSince += bytes
    const isOld = this.#isOld(this.isFull ? askWhileFullMs : askAfterMs)
    if (this.#writtenSince >= askAfterBytes || isOld) await this.ask()
    else if (this.isFull !== this.#saidFull) this.#follow()
  }

  /** An append was refused for space: look whether there is some again. */
  noteRefused(): void {
    this.refusals++
    if (this.#isOld(askWhileFullMs)) void this.ask()
  }

  /** A write met the end of the disk, whatever the disk says of its space (it may be a quota). */
  noteEnd(): void {
    this.#metEnd = true
    this.#ends++
    this.#askedMs = this.#parts.clock.monotonicMs()
    this.#follow()
  }

  /** Somebody wants to know: what they get next is not old. */
  freshen(): void {
    if (this.#isOld(askAfterMs)) void this.ask()
  }

  /** A disk that cannot be asked counts as it did before. */
  ask(): Promise<void> {
    const { fileSystem, folder, clock } = this.#parts
    const ends = this.#ends
    this.#asking ??= fileSystem
      .space(folder)
      .then(
        (report) => {
          this.#freeBytes = report.freeBytes
          this.#diskBytes = report.totalBytes
          this.#writtenSince = 0
          // What was said before the end was met says nothing of it.
          if (ends === this.#ends && report.freeBytes > 0) this.#metEnd = false
        },
        () => undefined
      )
      .finally(() => {
        this.#askedMs = clock.monotonicMs()
        this.#asking = undefined
        this.#follow()
      })
    return this.#asking
  }

  /** The store closes. */
  stop(): void {
    this.#isStopped = true
    this.#watch?.cancel()
  }

  #isOld(ms: number): boolean {
    return this.#parts.clock.monotonicMs() - this.#askedMs >= ms
  }

  /** Says what changed, and watches a full disk. */
  #follow(): void {
    const { logSink, reserveBytes, onRoom, clock } = this.#parts
    const { isFull, freeBytes, hasRoom } = this
    if (isFull !== this.#saidFull) {
      this.#saidFull = isFull
      const fields = { freeBytes, reserveBytes }
      if (isFull) logSink('warn', 'appends-refused', { ...fields, reason: this.reason })
      else logSink('info', 'appends-taken-again', fields)
    }
    if (hasRoom && !this.#hadRoom) onRoom()
    this.#hadRoom = hasRoom
    if (!isFull || this.#isStopped) return
    this.#watch ??= clock.after(askAfterMs, () => {
      this.#watch = undefined
      void this.ask()
    })
  }
}
