/**
 * Timer rows. There may be far more of them than fit in memory as objects: LevelDB has them, the changes that are not
 * there yet lie over it, and an index in memory (pending-timers.ts) knows which there are and when they are due.
 */
import type { QueueUid } from '../contract.ts'
import type { TimerHead } from './codec.ts'
import { type Pending, PendingTimers } from './pending-timers.ts'
import { keyOf, type StateKey, stateKeys, type TimerRow } from './rows.ts'
import type { StoredKey, StoredRow } from './stored-rows.ts'

/** Of what was there at open; see StateTable. */
export const loadedVersion = 0

interface Change {
  readonly key: StateKey<'timer'>
  /** Undefined: deleted. */
  readonly row: TimerRow | undefined
}

export interface DirtyTimer {
  readonly key: StoredKey
  readonly entry: StoredRow | undefined
}

/** Rows as LevelDB has them, in the order asked for. */
export type ReadTimers = (
  keys: readonly StateKey<'timer'>[]
) => Promise<readonly (TimerRow | undefined)[]>

/** LevelDB does not have a row that it must have: its view of the state is broken. */
export class TimerLostError extends Error {
  constructor(queue: QueueUid, offset: number) {
    super(`the index has lost the timer of queue ${queue} at offset ${offset}`)
    this.name = 'TimerLostError'
  }
}

export class TimerTable {
  readonly #queues = new Map<QueueUid, PendingTimers>()
  /** Changes since the last checkpoint. */
  #held = new Map<string, Change>()
  /** Those that a checkpoint is writing. */
  #leaving = new Map<string, Change>()

  /** Changes that no checkpoint has taken. */
  get dirtyCount(): number {
    return this.#held.size
  }

  get count(): number {
    let count = 0
    for (const queue of this.#queues.values()) count += queue.count
    return count
  }

  /** Undefined for a queue without pending timers. */
  pending(queue: QueueUid): PendingTimers | undefined {
    return this.#queues.get(queue)
  }

  /**
   * Whether the queue's records in `[from, to)` must stay, whatever its log start: a pending timer waits with one of
   * them. Others of the queue are of no use to anyone.
   */
  needs(queue: QueueUid, from: number, to: number): boolean {
    return this.#queues.get(queue)?.isPendingIn(from, to) ?? false
  }

  /** Lowest offset of a record that must stay; Infinity for none. */
  firstNeeded(queue: QueueUid): number {
    return this.#queues.get(queue)?.firstOffset() ?? Number.POSITIVE_INFINITY
  }

  /** As put; undefined if there is no such row. */
  version(key: StateKey): number | undefined {
    return this.#queues.get(Number(key.bucket))?.get(Number(key.item))?.version
  }

  put(row: TimerRow, version: number): void {
    const key = keyOf({ family: 'timer', row }) as StateKey<'timer'>
    const path = pathOf(key)
    const queue = this.#pendingOf(row.queue)
    queue.put(row.offset, row.dueMs, version)
    if (this.#held.has(path) || this.#leaving.has(path)) queue.markStored(row.offset)
    this.#held.set(path, { key, row })
  }

  delete(key: StateKey): void {
    const path = pathOf(key)
    const queue = this.#queues.get(Number(key.bucket))
    const isStored = queue?.isStored(Number(key.item)) ?? true
    if (queue?.delete(Number(key.item)) && queue.count === 0)
      this.#queues.delete(Number(key.bucket))
    // What LevelDB never had need not be deleted there: most timers are short.
    if (isStored || this.#leaving.has(path))
      this.#held.set(path, { key: key as StateKey<'timer'>, row: undefined })
    else this.#held.delete(path)
  }

  /** Takes up a timer that LevelDB has, at open. */
  loadStored({ queue, offset, dueMs }: TimerHead): void {
    const pending = this.#pendingOf(queue)
    pending.put(offset, dueMs, loadedVersion)
    pending.markStored(offset)
  }

  #pendingOf(queue: QueueUid): PendingTimers {
    let pending = this.#queues.get(queue)
    if (pending === undefined) {
      pending = new PendingTimers()
      this.#queues.set(queue, pending)
    }
    return pending
  }

  /** Hands the changes over to a checkpoint; `written` says that LevelDB has them. */
  takeDirty(): DirtyTimer[] {
    this.#leaving = this.#held
    this.#held = new Map()
    const dirty: DirtyTimer[] = []
    for (const { key, row } of this.#leaving.values()) {
      if (row === undefined) {
        dirty.push({ key, entry: undefined })
        continue
      }
      this.#queues.get(row.queue)?.markStored(row.offset)
      dirty.push({ key, entry: { family: 'timer', row } })
    }
    return dirty
  }

  written(): void {
    this.#leaving = new Map()
  }

  /** Rejects with TimerLostError. */
  async row(
    key: StateKey<'timer'>,
    read: ReadTimers
  ): Promise<{ row: TimerRow; version: number } | undefined> {
    for (;;) {
      const version = this.version(key)
      if (version === undefined) return undefined
      const [row] = await this.#rows([key], read)
      if (row !== undefined && this.version(key) === version) return { row, version }
    }
  }

  /** The rows of timers that are due first; see PendingTimers.first. Rejects with TimerLostError. */
  async due(
    queue: QueueUid,
    countMax: number,
    throughMs: number,
    read: ReadTimers
  ): Promise<TimerRow[]> {
    const first = this.#queues.get(queue)?.first(countMax, throughMs) ?? []
    const rows = await this.#pendingRows(queue, first, read)
    return rows.filter(({ dueMs }) => dueMs <= throughMs)
  }

  /** Every row of a queue, or of all, in no special order. */
  async all(read: ReadTimers, only?: QueueUid): Promise<TimerRow[]> {
    const rows: TimerRow[] = []
    for (const [uid, queue] of [...this.#queues]) {
      if (only !== undefined && uid !== only) continue
      const first = [...queue.offsets()].flatMap((offset) => queue.get(offset) ?? [])
      rows.push(...(await this.#pendingRows(uid, first, read)))
    }
    return rows
  }

  /** What lies over LevelDB. */
  #change(path: string): Change | undefined {
    return this.#held.get(path) ?? this.#leaving.get(path)
  }

  /** Of these those that are still pending, each as it is now. */
  async #pendingRows(
    queue: QueueUid,
    wanted: readonly Pending[],
    read: ReadTimers
  ): Promise<TimerRow[]> {
    const keys = wanted.map(({ offset }) => stateKeys.timer(queue, offset))
    const rows = await this.#rows(keys, read)
    const pending: TimerRow[] = []
    for (const [i, key] of keys.entries()) {
      // One that was put again while LevelDB was asked may have been read as it was before.
      const isSame = this.version(key) === wanted[i]?.version
      const row = isSame ? rows[i] : (await this.row(key, read))?.row
      if (row !== undefined) pending.push(row)
    }
    return pending
  }

  /** Undefined where there is no row any more. */
  async #rows(
    keys: readonly StateKey<'timer'>[],
    read: ReadTimers
  ): Promise<(TimerRow | undefined)[]> {
    const found = new Map<string, TimerRow>()
    const stored: StateKey<'timer'>[] = []
    for (const key of keys) {
      const change = this.#change(pathOf(key))
      if (change === undefined) stored.push(key)
      else if (change.row !== undefined) found.set(pathOf(key), change.row)
    }
    if (stored.length > 0)
      for (const row of await read(stored))
        if (row !== undefined) found.set(pathOf(stateKeys.timer(row.queue, row.offset)), row)
    // Meanwhile rows may have changed or gone: what lies over LevelDB now counts.
    return keys.map((key) => {
      if (this.version(key) === undefined) return undefined
      const path = pathOf(key)
      const row = this.#change(path)?.row ?? found.get(path)
      if (row === undefined) throw new TimerLostError(Number(key.bucket), Number(key.item))
      return row
    })
  }
}

export function isTimerKey(key: StateKey): key is StateKey<'timer'> {
  return key.family === 'timer'
}

function pathOf({ bucket, item }: StateKey): string {
  return `${bucket}:${item}`
}
