/**
 * Queues that members of a group hold for themselves while they consume in order (RocketMQ's RebalanceLockManager). A
 * lock lasts for a minute from when it was last asked for; clients ask every 20 s.
 */
import type { Clock } from '../../../storage/ports.ts'

export interface LockLimits {
  readonly lockExpiryMs: number
  /** Locks of all groups together. */
  readonly locksMax: number
}

export const lockLimits: LockLimits = { lockExpiryMs: 60_000, locksMax: 1_000_000 }

interface Lock {
  readonly clientId: string
  /** Monotonic, ms. */
  readonly untilMs: number
}

export class QueueLocks {
  readonly #clock: Clock
  readonly #limits: LockLimits
  readonly #groups = new Map<string, Map<string, Lock>>()
  #count = 0

  constructor(clock: Clock, limits: LockLimits = lockLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Takes or keeps the lock; false where another client has it, or where no more are kept. */
  lock(group: string, topic: string, queueId: number, clientId: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const key = keyOf(topic, queueId)
    const present = this.#groups.get(group)?.get(key)
    if (present !== undefined && present.clientId !== clientId && present.untilMs > nowMs) {
      return false
    }
    if (present === undefined) {
      if (this.#count >= this.#limits.locksMax) this.#dropExpired(nowMs)
      if (this.#count >= this.#limits.locksMax) return false
      this.#count++
    }
    const locks = this.#groups.get(group) ?? new Map<string, Lock>()
    this.#groups.set(group, locks)
    locks.set(key, { clientId, untilMs: nowMs + this.#limits.lockExpiryMs })
    return true
  }

  /** Gives a lock back, if it is the client's. */
  unlock(group: string, topic: string, queueId: number, clientId: string): void {
    const key = keyOf(topic, queueId)
    if (this.#groups.get(group)?.get(key)?.clientId === clientId) this.#drop(group, key)
  }

  /** Whether clients of the group hold queues. */
  hasAny(group: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    for (const { untilMs } of this.#groups.get(group)?.values() ?? []) {
      if (untilMs > nowMs) return true
    }
    return false
  }

  #drop(group: string, key: string): void {
    const locks = this.#groups.get(group)
    if (!locks?.delete(key)) return
    this.#count--
    if (locks.size === 0) this.#groups.delete(group)
  }

  #dropExpired(nowMs: number): void {
    for (const [group, locks] of [...this.#groups]) {
      for (const [key, { untilMs }] of [...locks]) if (untilMs <= nowMs) this.#drop(group, key)
    }
  }
}

function keyOf(topic: string, queueId: number): string {
  return `${queueId} ${topic}`
}
