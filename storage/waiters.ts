/**
 * Readers that wait for data. A waiter is told of each new run once, when it is durable, and completes when it has
 * been told of enough bytes; nothing is read again before that.
 */
import type { WaitResult } from './contract.ts'
import { StoreError } from './errors.ts'
import type { Clock, Timer } from './ports.ts'
import type { Queue } from './queue.ts'

export interface Awaited {
  readonly queue: Queue
  /** Data from here on counts. */
  readonly offset: number
}

export class Waiter {
  readonly #queues: readonly Awaited[]
  readonly #minBytes: number
  readonly #resolve: (result: WaitResult) => void
  readonly #reject: (error: StoreError) => void
  readonly #signal: AbortSignal | undefined
  readonly #onDone: () => void
  /** Made when it is first looked for: few waiters ever hear of a log start. */
  #offsets: Map<Queue, number> | undefined
  #bytes = 0
  #timer: Timer | undefined
  #done = false

  constructor(
    queues: readonly Awaited[],
    minBytes: number,
    settle: { resolve: (result: WaitResult) => void; reject: (error: StoreError) => void },
    signal: AbortSignal | undefined,
    onDone: () => void
  ) {
    this.#queues = queues
    this.#minBytes = minBytes
    this.#resolve = settle.resolve
    this.#reject = settle.reject
    this.#signal = signal
    this.#onDone = onDone
  }

  start(clock: Clock, maxWaitMs: number): void {
    for (const { queue } of this.#queues) queue.waiters.add(this)
    this.#timer = clock.after(maxWaitMs, () => this.finish('timeout'))
    this.#signal?.addEventListener('abort', this.#cancel, { once: true })
  }

  /** Bytes of a queue awaited became durable. */
  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes >= this.#minBytes) this.finish('ready')
  }

  /** The log start of a queue moved: what was waited for may begin before it now. */
  noteLogStart(queue: Queue): void {
    this.#offsets ??= lowestOffsets(this.#queues)
    const offset = this.#offsets.get(queue)
    if (offset !== undefined && offset < queue.logStart) this.finish('changed')
  }

  finish(result: WaitResult): void {
    if (this.#leave()) this.#resolve(result)
  }

  fail(error: StoreError): void {
    if (this.#leave()) this.#reject(error)
  }

  readonly #cancel = (): void => {
    this.fail(new StoreError('cancelled', 'the wait was cancelled'))
  }

  #leave(): boolean {
    if (this.#done) return false
    this.#done = true
    this.#timer?.cancel()
    this.#signal?.removeEventListener('abort', this.#cancel)
    for (const { queue } of this.#queues) queue.waiters.delete(this)
    this.#onDone()
    return true
  }
}

function lowestOffsets(queues: readonly Awaited[]): Map<Queue, number> {
  const lowest = new Map<Queue, number>()
  for (const { queue, offset } of queues)
    lowest.set(queue, Math.min(offset, lowest.get(queue) ?? offset))
  return lowest
}

/** The waiters of a store, so that they can be counted, limited and let go. */
export class Waiters {
  readonly #clock: Clock
  readonly #countMax: number
  readonly #all = new Set<Waiter>()

  constructor(clock: Clock, countMax: number) {
    this.#clock = clock
    this.#countMax = countMax
  }

  get count(): number {
    return this.#all.size
  }

  /** Waits for `minBytes` beyond the offsets; above the limit of waiters it answers 'timeout' at once. */
  wait(
    queues: readonly Awaited[],
    minBytes: number,
    maxWaitMs: number,
    signal: AbortSignal | undefined
  ): Promise<WaitResult> {
    if (signal?.aborted === true)
      return Promise.reject(new StoreError('cancelled', 'the wait was cancelled'))
    let there = 0
    for (const { queue, offset } of queues) {
      if (queue.gone || offset < queue.logStart || offset > queue.highWatermark)
        return Promise.resolve('changed')
      there += bytesBeyond(queue, offset)
    }
    if (there >= minBytes) return Promise.resolve('ready')
    if (maxWaitMs <= 0 || this.#all.size >= this.#countMax) return Promise.resolve('timeout')
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(queues, minBytes, { resolve, reject }, signal, () => {
        this.#all.delete(waiter)
      })
      this.#all.add(waiter)
      if (there > 0) waiter.add(there)
      waiter.start(this.#clock, maxWaitMs)
    })
  }

  /** The store is going away. */
  failAll(error: StoreError): void {
    for (const waiter of [...this.#all]) waiter.fail(error)
  }
}

/** Durable bytes from `offset` on; whatever is no longer in memory counts as a lot. */
function bytesBeyond(queue: Queue, offset: number): number {
  if (offset >= queue.highWatermark) return 0
  if (offset < queue.tail.startOffset) return Number.POSITIVE_INFINITY
  let bytes = 0
  for (let i = queue.tail.indexOf(offset); i < queue.tail.length; i++)
    bytes += queue.tail.at(i)?.bytes ?? 0
  return bytes
}
