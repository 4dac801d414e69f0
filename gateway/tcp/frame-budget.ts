/**
 * One budget for the half-received frames of all connections. When it is used up, connections with a half-received
 * frame are not read on, save the one whose frame began first: that one always goes on (so one frame above the
 * budget is the most that is held), then the next. Nobody starves: while others wait, a sender that may go on and
 * does not is closed.
 */
import type { Clock, Timer } from '../../storage/ports.ts'
import type { TcpLimits } from './limits.ts'

/** What a read adds at most before the budget is asked again, bytes (libuv's read buffer). */
const readBytesMax = 65_536

/** A connection's part in the budget. */
export interface BudgetOwner {
  /** There is room: read on. */
  roomForFrame(): void
  /** Others wait and this one sends nothing: close it, unless it is not being read for another reason. */
  frameStalled(): void
}

export class BudgetShare {
  readonly owner: BudgetOwner
  heldBytes = 0
  /** Which of the connection's frames is held. */
  frame = -1
  waiting = false
  /** Bytes that came since `watchedFromMs`. */
  progressBytes = 0
  watchedFromMs = 0

  constructor(owner: BudgetOwner) {
    this.owner = owner
  }
}

export class FrameBudget {
  readonly #limits: TcpLimits
  readonly #clock: Clock
  /** In the order in which their frames began. */
  readonly #shares = new Set<BudgetShare>()
  #heldBytes = 0
  #waiting = 0
  #timer: Timer | undefined

  constructor(limits: TcpLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Connections that are not read because of the budget. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Says what the connection holds after a read: `heldBytes` of its `frame`th frame, of which `newBytes` came with
   * this read. Returns whether it may be read on; if not, `roomForFrame` is called later.
   */
  update(share: BudgetShare, frame: number, heldBytes: number, newBytes: number): boolean {
    if (heldBytes === 0) {
      if (share.heldBytes > 0 || share.waiting) this.leave(share)
      return true
    }
    if (share.frame !== frame) {
      this.#shares.delete(share)
      this.#shares.add(share)
      share.frame = frame
      share.progressBytes = 0
      share.watchedFromMs = this.#clock.monotonicMs()
    }
    this.#heldBytes += heldBytes - share.heldBytes
    share.heldBytes = heldBytes
    share.progressBytes += newBytes
    if (this.#heldBytes <= this.#limits.partialFrameBytesMax) {
      if (this.#waiting > 0) this.#wake()
      return true
    }
    if (this.#isOldest(share)) return true
    if (!share.waiting) {
      share.waiting = true
      this.#waiting++
      this.#watch()
      // The oldest may have been waiting itself until its elder went.
      this.#wake()
    }
    return !share.waiting
  }

  /** The connection's frame is whole, or the connection is gone. */
  leave(share: BudgetShare): void {
    this.#shares.delete(share)
    this.#heldBytes -= share.heldBytes
    share.heldBytes = 0
    share.frame = -1
    if (share.waiting) {
      share.waiting = false
      this.#waiting--
    }
    if (this.#waiting > 0) this.#wake()
    else this.#unwatch()
  }

  #isOldest(share: BudgetShare): boolean {
    for (const first of this.#shares) return first === share
    return false
  }

  /** Lets the oldest go on whatever is held, and others, oldest first, as far as there is room. */
  #wake(): void {
    let room = this.#limits.partialFrameBytesMax - this.#heldBytes
    let oldest = true
    const woken: BudgetShare[] = []
    for (const share of this.#shares) {
      if (!oldest && room < readBytesMax) break
      oldest = false
      if (!share.waiting) continue
      room -= readBytesMax
      share.waiting = false
      this.#waiting--
      share.progressBytes = 0
      share.watchedFromMs = this.#clock.monotonicMs()
      woken.push(share)
    }
    if (this.#waiting === 0) this.#unwatch()
    for (const share of woken) share.owner.roomForFrame()
  }

  #watch(): void {
    this.#timer ??= this.#clock.after(this.#limits.frameStallMs, () => {
      this.#timer = undefined
      this.#closeStalled()
      if (this.#waiting > 0) this.#watch()
    })
  }

  #unwatch(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #closeStalled(): void {
    const now = this.#clock.monotonicMs()
    const stalled: BudgetShare[] = []
    for (const share of this.#shares) {
      if (share.waiting || now - share.watchedFromMs < this.#limits.frameStallMs) continue
      if (share.progressBytes < this.#limits.frameProgressBytesMin) stalled.push(share)
      share.progressBytes = 0
      share.watchedFromMs = now
    }
    for (const share of stalled) share.owner.frameStalled()
  }
}
