/**
 * Answers on their way to a socket. The socket gets one bounded group of chunks at a time, corked and by reference,
 * so that what waits is known to the byte and a client that takes nothing is told from one that takes little.
 */
import type { Duplex } from 'node:stream'
import type { BulkTurns, Clock } from '../../storage/ports.ts'

/** So little is sent at once: acknowledgements and small answers wait for no turn. */
const smallBytes = 64 * 1024

export class Outbox {
  readonly #socket: Duplex
  readonly #clock: Clock
  readonly #turns: BulkTurns
  readonly #groupBytes: number
  readonly #sent: (bytes: number) => void
  readonly #taken = (error?: Error | null) => this.#groupTaken(error)
  #queue: Buffer[] = []
  /** Index of the first chunk in `#queue` that was not handed out. */
  #next = 0
  #waitingBytes = 0
  #underWay = 0
  #isLater = false
  #progressMs = 0
  #finished: (() => void) | undefined
  /** Bytes pushed since the beginning, and who waits until how many of them are taken. */
  #pushedBytes = 0
  #ends: { readonly atBytes: number; readonly done: () => void }[] = []

  /** `sent` is called with the bytes that the operating system took. */
  constructor(
    socket: Duplex,
    { clock, turns }: { readonly clock: Clock; readonly turns: BulkTurns },
    groupBytes: number,
    sent: (bytes: number) => void
  ) {
    this.#socket = socket
    this.#clock = clock
    this.#turns = turns
    this.#groupBytes = groupBytes
    this.#sent = sent
  }

  /** Bytes that the operating system has not taken. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** How long the peer has taken nothing though something waits, ms. */
  stalledMs(nowMs: number): number {
    return this.#waitingBytes === 0 ? 0 : nowMs - this.#progressMs
  }

  /** Queues chunks; `pump` sends them. `done` is called when the operating system has them, or they are dropped. */
  push(chunks: readonly Buffer[], done?: () => void): void {
    if (this.#waitingBytes === 0) this.#progressMs = this.#clock.monotonicMs()
    for (const chunk of chunks) {
      if (chunk.length === 0) continue
      this.#queue.push(chunk)
      this.#waitingBytes += chunk.length
      this.#pushedBytes += chunk.length
    }
    if (done === undefined) return
    if (this.#waitingBytes === 0) done()
    else this.#ends.push({ atBytes: this.#pushedBytes, done })
  }

  /**
   * Sends the next group, if none is under way. The kernel copies it while everybody waits, and a socket with room
   * takes the next one at once: large ones go in the turns that all connections share with whoever else has many bytes
   * to work on.
   */
  pump(): void {
    if (this.#underWay > 0 || this.#isLater || this.#next === this.#queue.length) return
    const bytes = Math.min(this.#waitingBytes, this.#groupBytes)
    if (bytes <= smallBytes || this.#turns.take(bytes)) {
      this.#send()
      return
    }
    this.#isLater = true
    this.#turns.wait(bytes, () => {
      this.#isLater = false
      if (!this.#socket.destroyed && this.#next < this.#queue.length) this.#send()
    })
  }

  #send(): void {
    const group = this.#takeGroup()
    const last = group.length - 1
    if (last === 0) this.#socket.write(group[0], this.#taken)
    else {
      this.#socket.cork()
      for (let i = 0; i < last; i++) this.#socket.write(group[i])
      this.#socket.write(group[last], this.#taken)
      this.#socket.uncork()
    }
  }

  /** Calls `finished` once all that was pushed has been taken. */
  finish(finished: () => void): void {
    this.#finished = finished
    if (this.#waitingBytes === 0) finished()
  }

  /** Drops what waits; the socket is gone. */
  drop(): void {
    this.#queue = []
    this.#next = 0
    this.#waitingBytes = this.#underWay
    this.#finished = undefined
    this.#end(Number.POSITIVE_INFINITY)
  }

  /** Calls those who waited for the first `takenBytes`. */
  #end(takenBytes: number): void {
    let count = 0
    for (const { atBytes } of this.#ends) {
      if (atBytes > takenBytes) break
      count++
    }
    if (count > 0) for (const { done } of this.#ends.splice(0, count)) done()
  }

  #takeGroup(): Buffer[] {
    const group: Buffer[] = []
    let bytes = 0
    while (this.#next < this.#queue.length && bytes < this.#groupBytes) {
      const chunk = this.#queue[this.#next] as Buffer
      const room = this.#groupBytes - bytes
      if (chunk.length <= room) {
        group.push(chunk)
        bytes += chunk.length
        this.#next++
      } else {
        group.push(chunk.subarray(0, room))
        this.#queue[this.#next] = chunk.subarray(room)
        bytes += room
      }
    }
    if (this.#next === this.#queue.length) {
      this.#queue.length = 0
      this.#next = 0
    }
    this.#underWay = bytes
    return group
  }

  #groupTaken(error?: Error | null): void {
    const bytes = this.#underWay
    this.#underWay = 0
    this.#waitingBytes -= bytes
    if (error) return
    this.#end(this.#pushedBytes - this.#waitingBytes)
    this.#progressMs = this.#clock.monotonicMs()
    this.#sent(bytes)
    this.pump()
    if (this.#waitingBytes === 0) this.#finished?.()
  }
}
