/**
 * One budget for the half-received frames of all connections, and a share of it that one connection may hold. Who
 * needs more than there is goes on above the budget if nobody else does; others that need more are not read on until
 * that frame is whole, or its sender silent for a moment: then the oldest tries. At most two frames above the budget
 * are held so. Nobody starves: while others wait, a sender that may go on and has not for long enough is closed.
 */
import type { Clock, Timer } from '../../storage/ports.ts'
import type { TcpLimits } from './limits.ts'

/** What a read adds at most before the budget is asked again, bytes (libuv's read buffer). */
const readBytesMax = 65_536
/** How long the one above the budget keeps its place without a byte, while others wait, ms. */
const silentMsMax = 100

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
  /** What of it counts against the budget: of the frame that goes on above it only what it began with. */
  countedBytes = 0
  /** Which of the connection's frames is held. */
  frame = -1
  waiting = false
  /** Bytes that came since `progressMs`; once there are enough of them, it is now. */
  progressBytes = 0
  progressMs = 0
  /** When a byte came last, or the connection was told to go on. */
  heardMs = 0

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
  #countedBytes = 0
  /** The one that is read on above budget and share, until its frame is whole. */
  #above: BudgetShare | undefined
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
    const now = this.#clock.monotonicMs()
    share.heardMs = now
    if (share.frame !== frame) {
      if (share.frame >= 0) this.leave(share)
      this.#shares.add(share)
      share.frame = frame
      share.progressBytes = 0
      share.progressMs = now
    }
    this.#count(share, heldBytes)
    share.progressBytes += newBytes
    if (share.progressBytes >= this.#limits.frameProgressBytesMin) {
      share.progressBytes = 0
      share.progressMs = now
    }
    if (share.waiting) return false
    if (this.#mayGoOn(share)) return true
    share.waiting = true
    this.#waiting++
    this.#look()
    return !share.waiting
  }

  /** The connection's frame is whole, or the connection is gone. */
  leave(share: BudgetShare): void {
    this.#shares.delete(share)
    this.#heldBytes -= share.heldBytes
    this.#countedBytes -= share.countedBytes
    share.heldBytes = 0
    share.countedBytes = 0
    share.frame = -1
    if (this.#above === share) this.#above = undefined
    if (share.waiting) {
      share.waiting = false
      this.#waiting--
    }
    if (this.#waiting > 0) this.#wake()
    if (this.#waiting === 0) this.#unwatch()
  }

  #count(share: BudgetShare, heldBytes: number): void {
    this.#heldBytes += heldBytes - share.heldBytes
    share.heldBytes = heldBytes
    if (this.#above === share) return
    this.#countedBytes += heldBytes - share.countedBytes
    share.countedBytes = heldBytes
  }

  get #room(): number {
    return this.#limits.partialFrameBytesMax - this.#countedBytes
  }

  #isWithinShare({ heldBytes }: BudgetShare): boolean {
    return heldBytes <= this.#limits.partialFrameShareBytesMax
  }

  /** Whether the connection may be read on; where it has to, and there is none, it becomes the one above the budget. */
  #mayGoOn(share: BudgetShare): boolean {
    if (this.#above === share) return true
    if (this.#room >= 0 && this.#isWithinShare(share)) return true
    if (this.#above !== undefined) return false
    this.#above = share
    return true
  }

  /** Lets those go on, oldest first, for which there is room now; one of them may need more than there is. */
  #wake(): void {
    let room = this.#room
    const woken: BudgetShare[] = []
    for (const share of this.#shares) {
      if (!share.waiting) continue
      if (room >= readBytesMax && this.#isWithinShare(share)) room -= readBytesMax
      else if (this.#above === undefined) this.#above = share
      else if (room < readBytesMax) break
      else continue
      share.waiting = false
      this.#waiting--
      share.progressBytes = 0
      share.progressMs = this.#clock.monotonicMs()
      share.heardMs = share.progressMs
      woken.push(share)
    }
    for (const share of woken) share.owner.roomForFrame()
  }

  #unwatch(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** While some wait: makes way for them where others do not get on, and looks again when that may be so. */
  #look(): void {
    this.#unwatch()
    const now = this.#clock.monotonicMs()
    for (const share of this.#stalled(now)) share.owner.frameStalled()
    this.#passOn(now)
    if (this.#waiting === 0) return
    this.#timer = this.#clock.after(Math.ceil(this.#nextLookMs(now)), () => this.#look())
  }

  /** Those that are in others' way and did not send enough. */
  #stalled(now: number): BudgetShare[] {
    const { frameStallMs } = this.#limits
    return [...this.#shares].filter((share) => {
      return this.#isInTheWay(share) && now - share.progressMs >= frameStallMs
    })
  }

  /** Where there is room, those that wait do so for the one above its share. */
  #isInTheWay(share: BudgetShare): boolean {
    return !share.waiting && (this.#room < readBytesMax || this.#above === share)
  }

  /** A silent one above the budget makes place: from now on all that it holds counts. */
  #passOn(now: number): void {
    const above = this.#above
    if (above === undefined || !this.#mayPassOn || now - above.heardMs < silentMsMax) return
    this.#above = undefined
    this.#count(above, above.heldBytes)
    this.#wake()
  }

  /** Another frame above the budget would not be too much. */
  get #mayPassOn(): boolean {
    const { partialFrameBytesMax, frameBytesMax } = this.#limits
    return this.#heldBytes <= partialFrameBytesMax + frameBytesMax
  }

  #nextLookMs(now: number): number {
    const { frameStallMs } = this.#limits
    let nextMs = frameStallMs
    for (const share of this.#shares) {
      const leftMs = frameStallMs - (now - share.progressMs)
      // One that may not be closed now is looked at again after the whole time.
      if (this.#isInTheWay(share) && leftMs > 0) nextMs = Math.min(nextMs, leftMs)
    }
    if (this.#above === undefined || !this.#mayPassOn) return nextMs
    return Math.min(nextMs, Math.max(1, silentMsMax - (now - this.#above.heardMs)))
  }
}
