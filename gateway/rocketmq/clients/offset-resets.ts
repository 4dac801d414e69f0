/**
 * Places that a tool gave a group anew, until its consumers were told (RocketMQ's ConsumerOffsetManager). A consumer
 * goes on from where it is, whatever the store says: so its next pull is told where to go on, and what it commits
 * meanwhile counts for nothing. In memory only: after a restart the stored place alone is left of it, as in RocketMQ.
 */
import type { TopicId } from '../../../storage/contract.ts'

/** Resets that nobody was told yet, of all groups; the oldest are forgotten, and hold for consumers that start. */
export const pendingResetsMax = 100_000

/** A queue of a group. */
export interface ResetQueue {
  readonly group: string
  readonly topicId: TopicId
  readonly queueId: number
}

interface Reset {
  readonly offset: number
  /** The store has it: consumers may be told. */
  isStored: boolean
}

export class OffsetResets {
  readonly #max: number
  readonly #resets = new Map<string, Reset>()
  readonly #listeners = new Map<string, Set<() => void>>()

  constructor(max = pendingResetsMax) {
    this.#max = max
  }

  /** From now on the group's own commits are not to be taken; `stored` must follow, or `settle`. */
  begin(queue: ResetQueue, offset: number): void {
    const key = keyOf(queue)
    this.#resets.delete(key)
    this.#resets.set(key, { offset, isStored: false })
    for (const oldest of this.#resets.keys()) {
      if (this.#resets.size <= this.#max) break
      this.#resets.delete(oldest)
    }
  }

  /** The store has it: held pulls are woken. */
  stored(queue: ResetQueue): void {
    const key = keyOf(queue)
    const reset = this.#resets.get(key)
    if (reset === undefined) return
    reset.isStored = true
    for (const listener of [...(this.#listeners.get(key) ?? [])]) listener()
  }

  /** Whether commits of the group's consumers are not to be taken. */
  isPending(queue: ResetQueue): boolean {
    return this.#resets.size > 0 && this.#resets.has(keyOf(queue))
  }

  /** Where a consumer is to go on; undefined where it goes on as it is. */
  offsetOf(queue: ResetQueue): number | undefined {
    if (this.#resets.size === 0) return undefined
    const reset = this.#resets.get(keyOf(queue))
    return reset?.isStored ? reset.offset : undefined
  }

  /** A consumer was told, or nobody needs to be. */
  settle(queue: ResetQueue): void {
    this.#resets.delete(keyOf(queue))
  }

  /** Calls `listener` when the queue is reset; returns what takes that back. */
  watch(queue: ResetQueue, listener: () => void): () => void {
    const key = keyOf(queue)
    const listeners = this.#listeners.get(key) ?? new Set()
    this.#listeners.set(key, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) {
        this.#listeners.delete(key)
      }
    }
  }
}

function keyOf({ group, topicId, queueId }: ResetQueue): string {
  return `${queueId} ${topicId} ${group}`
}
