/**
 * One accepted socket: frames in, answers out, and everything that bounds them. Which frames may be handled at a
 * time, and the order of answers, are the protocol's to say.
 */
import type { Duplex } from 'node:stream'
import { inspect } from 'node:util'
import type { BulkTurns, Clock, LogLevel, LogSink } from '../../storage/ports.ts'
import type { TcpCounters } from './counters.ts'
import { type BudgetOwner, BudgetShare, type FrameBudget } from './frame-budget.ts'
import { FrameError, Framer } from './framer.ts'
import type { TcpLimits } from './limits.ts'
import { Outbox } from './outbox.ts'
import {
  type Answer,
  type ConnectionHandle,
  type Endpoints,
  type Protocol,
  partsOf,
  type Session
} from './protocol.ts'
import type { LoadWaiter, RequestLoad } from './request-load.ts'
import { RequestTurn } from './request-turn.ts'

/** What the connections of a listener share. */
export interface ConnectionShared {
  readonly limits: TcpLimits
  readonly clock: Clock
  readonly turns: BulkTurns
  readonly log: LogSink
  readonly counters: TcpCounters
  readonly budget: FrameBudget
  readonly load: RequestLoad
}

/** Why a connection is not read; several may hold at a time. */
const held = { answers: 1, queue: 2, frames: 4, load: 8, ending: 16 } as const

/** A frame that is being handled, or whose answer waits for those before it. */
interface InFlight {
  readonly bytes: number
  readonly overlaps: boolean
  answer: Answer | undefined
}

export class Connection implements ConnectionHandle, BudgetOwner, LoadWaiter {
  readonly id: number
  readonly endpoints: Endpoints
  readonly openedMs: number
  readonly #socket: Duplex
  readonly #protocol: Protocol
  readonly #shared: ConnectionShared
  readonly #session: Session
  readonly #closed: (connection: Connection) => void
  readonly #abort = new AbortController()
  readonly #framer: Framer
  readonly #share: BudgetShare
  readonly #outbox: Outbox
  readonly #turn: RequestTurn
  readonly #flush = () => this.#flushAnswers()
  /** Whole frames that are not started, oldest first. */
  #queue: Buffer[] = []
  #inFlight: InFlight[] = []
  #held = 0
  #flushPlanned = false
  #gone = false
  /** An answer said that the connection ends: nothing after it is sent or started. */
  #cut = false
  #lastByteMs: number

  constructor(
    id: number,
    socket: Duplex,
    endpoints: Endpoints,
    protocol: Protocol,
    shared: ConnectionShared,
    closed: (connection: Connection) => void
  ) {
    this.id = id
    this.endpoints = endpoints
    this.#socket = socket
    this.#protocol = protocol
    this.#shared = shared
    this.#closed = closed
    this.openedMs = shared.clock.now()
    this.#lastByteMs = shared.clock.monotonicMs()
    this.#turn = new RequestTurn(shared.limits.requestsPerTurnMax, () => this.#start())
    this.#framer = new Framer(shared.limits.frameBytesMax, (frame) => this.#enqueue(frame))
    this.#share = new BudgetShare(this)
    this.#outbox = new Outbox(socket, shared, shared.limits.writeGroupBytes, (bytes) =>
      this.#answersTaken(bytes)
    )
    this.#session = protocol.open(this)
    // A peer that shut its side waits for nothing that a held request could still give it.
    socket.on('end', () => this.close())
    socket.on('error', (error) => this.#log('debug', 'connection-error', { reason: error.message }))
    socket.on('close', () => this.close())
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether nothing is under way and nothing waits to be sent. */
  get quiet(): boolean {
    return (
      this.#inFlight.length === 0 && this.#queue.length === 0 && this.#outbox.waitingBytes === 0
    )
  }

  get waitingBytes(): number {
    return this.#outbox.waitingBytes
  }

  send(chunks: readonly Buffer[]): void {
    if (this.#gone) return
    this.#push(chunks)
    this.#planFlush()
  }

  overloaded(): void {
    this.#shared.load.overloaded()
    this.#waitForLoad()
  }

  reserveAnswer(bytes: number): number {
    return this.#shared.load.reserveAnswer(bytes)
  }

  releaseAnswer(bytes: number): void {
    this.#shared.load.addAnswer(-bytes)
  }

  /** Reads no further frame and closes once what was received is answered; waits are told through the signal. */
  drain(): void {
    this.#hold(held.ending)
    this.#abort.abort()
    if (this.quiet) this.close()
    else this.#planFlush()
  }

  /** Closes at once: answers that did not leave are dropped. Idempotent. */
  close(): void {
    if (this.#gone) return
    this.#gone = true
    this.#abort.abort()
    this.#shared.budget.leave(this.#share)
    this.#shared.load.forget(this)
    this.#framer.drop()
    this.#shared.load.addAnswer(-this.#outbox.waitingBytes)
    this.#outbox.drop()
    // What was sent before leaving is still done where nobody waits for an answer (a producer's last requests).
    this.#queue = this.#queue.filter((frame) => {
      const kept = !this.#cut && this.#overlaps(frame)
      if (!kept) this.#shared.load.remove(frame.length)
      return kept
    })
    this.#socket.destroy()
    this.#session.closed?.()
    this.#closed(this)
    this.#start()
  }

  /**
   * Closes the connection if it is idle, or if its peer takes no answers. Returns when that may be so at the earliest,
   * by the monotonic clock.
   */
  sweep(nowMs: number): number {
    if (this.#gone) return Number.POSITIVE_INFINITY
    const { limits, counters } = this.#shared
    const slowMs = nowMs - this.#outbox.stalledMs(nowMs) + limits.slowReaderMs
    const idleMs = this.#lastByteMs + limits.idleMs
    if (slowMs <= nowMs) {
      counters.slowReaders++
      const bytes = this.#outbox.waitingBytes
      this.#log('info', 'slow-reader-closed', { waitingBytes: bytes })
      this.close()
    } else if (this.quiet && this.#held === 0 && idleMs <= nowMs) {
      counters.idle++
      this.#log('debug', 'idle-closed', {})
      this.close()
    }
    return this.#gone ? Number.POSITIVE_INFINITY : Math.min(slowMs, idleMs)
  }

  roomForFrame(): void {
    this.#release(held.frames)
  }

  frameStalled(): void {
    if (this.#held !== 0) return
    this.#shared.counters.stalledFrames++
    const received = this.#share.heldBytes
    this.#log('info', 'stalled-frame-closed', { receivedBytes: received })
    this.close()
  }

  loadEased(): void {
    this.#release(held.load)
  }

  /** Takes what arrived. `reused`: the chunk's memory is the caller's again when this returns. */
  receive(chunk: Buffer, reused: boolean): void {
    // What arrives after the end was decided is nobody's; a stream may still deliver what it had read.
    if (this.#gone || (this.#held & held.ending) !== 0) return
    const { counters, clock, budget, load, limits } = this.#shared
    counters.bytesIn += chunk.length
    this.#lastByteMs = clock.monotonicMs()
    try {
      this.#framer.push(chunk, reused)
    } catch (error) {
      this.#logMalformed(error as FrameError)
      this.close()
      return
    }
    const { framesDone, heldBytes, receivedBytes } = this.#framer
    const fresh = Math.min(receivedBytes, chunk.length)
    if (!budget.update(this.#share, framesDone, heldBytes, fresh)) this.#hold(held.frames)
    this.#start()
    if (this.#queue.length > limits.requestsQueuedMax) this.#hold(held.queue)
    if (load.full) this.#waitForLoad()
  }

  #enqueue(frame: Buffer): void {
    this.#shared.counters.frames++
    this.#shared.load.add(frame.length)
    this.#queue.push(frame)
  }

  #overlaps(frame: Buffer): boolean {
    return this.#protocol.order === 'completion' || this.#session.mayOverlap(frame)
  }

  /** Starts every frame that need not wait, as many as there may be until others have had their turn. */
  #start(): void {
    const inFlight = this.#inFlight
    while (this.#queue.length > 0 && inFlight.length < this.#protocol.inFlightMax) {
      if ((this.#held & held.answers) !== 0 && !this.#gone) break
      const frame = this.#queue[0] as Buffer
      const overlaps = this.#overlaps(frame)
      const last = inFlight[inFlight.length - 1]
      if (last !== undefined && !(overlaps && last.overlaps)) break
      if (!this.#turn.take()) break
      this.#queue.shift()
      const entry: InFlight = { bytes: frame.length, overlaps, answer: undefined }
      inFlight.push(entry)
      this.#handle(frame, entry)
    }
    if (this.#queue.length * 2 <= this.#shared.limits.requestsQueuedMax) this.#release(held.queue)
  }

  #handle(frame: Buffer, entry: InFlight): void {
    try {
      const answer = this.#session.handle(frame)
      if (answer instanceof Promise) this.#awaitAnswer(answer, frame, entry)
      else this.#settle(entry, answer)
    } catch (error) {
      this.#settle(entry, this.#failed(error, frame))
    }
  }

  #awaitAnswer(answer: Promise<Answer>, frame: Buffer, entry: InFlight): void {
    answer.then(
      (chunks) => this.#settle(entry, chunks),
      (error) => this.#settle(entry, this.#failed(error, frame))
    )
  }

  #failed(error: unknown, frame: Buffer): null {
    if (error instanceof FrameError) this.#logMalformed(error)
    else {
      this.#shared.counters.failed++
      const reason = inspect(error)
      const head = frame.subarray(0, 32).toString('hex')
      this.#log('error', 'request-failed', { reason, head })
    }
    return null
  }

  #settle(entry: InFlight, answer: Answer): void {
    entry.answer = answer
    this.#planFlush()
  }

  /** One flush for all answers that get ready in the same turn. */
  #planFlush(): void {
    if (this.#flushPlanned) return
    this.#flushPlanned = true
    process.nextTick(this.#flush)
  }

  #flushAnswers(): void {
    this.#flushPlanned = false
    if (this.#protocol.order === 'request') this.#takeInOrder()
    else this.#takeCompleted()
    if (!this.#gone) {
      this.#outbox.pump()
      if (this.#outbox.waitingBytes > this.#shared.limits.writeBytesMax) this.#hold(held.answers)
    }
    this.#start()
    if ((this.#held & held.ending) !== 0 && !this.#gone) this.#finishEnding()
  }

  #takeInOrder(): void {
    const inFlight = this.#inFlight
    let done = 0
    while (done < inFlight.length) {
      const entry = inFlight[done] as InFlight
      if (entry.answer === undefined) break
      this.#take(entry)
      done++
    }
    if (done === inFlight.length) inFlight.length = 0
    else if (done > 0) inFlight.splice(0, done)
  }

  #takeCompleted(): void {
    const open: InFlight[] = []
    for (const entry of this.#inFlight)
      if (entry.answer === undefined) open.push(entry)
      else this.#take(entry)
    this.#inFlight = open
  }

  #take(entry: InFlight): void {
    this.#shared.load.remove(entry.bytes)
    if (entry.answer === null) {
      if (!this.#gone) this.#endAfterAnswers()
      return
    }
    if (entry.answer === undefined) return
    const { chunks, done } = partsOf(entry.answer)
    // Behind an answer that closes the connection nothing more is said.
    if (this.#gone || this.#cut) done?.()
    else this.#push(chunks, done)
  }

  #push(chunks: readonly Buffer[], done?: () => void): void {
    const before = this.#outbox.waitingBytes
    this.#outbox.push(chunks, done)
    this.#shared.load.addAnswer(this.#outbox.waitingBytes - before)
  }

  #endAfterAnswers(): void {
    this.#cut = true
    for (const frame of this.#queue) this.#shared.load.remove(frame.length)
    this.#queue = []
    this.#hold(held.ending)
  }

  #finishEnding(): void {
    if (!this.#cut && (this.#inFlight.length > 0 || this.#queue.length > 0)) return
    this.#outbox.finish(() => this.close())
  }

  #answersTaken(bytes: number): void {
    if (this.#gone) return
    this.#shared.counters.bytesOut += bytes
    this.#shared.load.addAnswer(-bytes)
    if ((this.#held & held.answers) === 0) return
    if (this.#outbox.waitingBytes * 2 > this.#shared.limits.writeBytesMax) return
    this.#release(held.answers)
    this.#start()
  }

  #waitForLoad(): void {
    if (this.#gone) return
    this.#hold(held.load)
    this.#shared.load.wait(this)
  }

  #hold(reason: number): void {
    if ((this.#held & reason) !== 0) return
    const { counters } = this.#shared
    if (reason === held.answers) counters.pausedForAnswers++
    else if (reason === held.queue) counters.pausedForQueue++
    else if (reason === held.frames) counters.pausedForFrames++
    else if (reason === held.load) counters.pausedForLoad++
    if (this.#held === 0) this.#socket.pause()
    this.#held |= reason
  }

  #release(reason: number): void {
    if ((this.#held & reason) === 0) return
    this.#held &= ~reason
    if (this.#held === 0 && !this.#gone) this.#socket.resume()
  }

  #logMalformed(error: FrameError): void {
    this.#shared.counters.malformed++
    const head = error.head.toString('hex')
    this.#log('warn', 'malformed-frame', { reason: error.message, head })
  }

  #log(level: LogLevel, event: string, fields: Record<string, unknown>): void {
    const { remoteAddress, remotePort, localPort } = this.endpoints
    const client = `${remoteAddress}:${remotePort}`
    this.#shared.log(level, event, { protocol: this.#protocol.name, client, localPort, ...fields })
  }
}
