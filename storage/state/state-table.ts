/**
 * The callers' state rows (rows.ts) in memory, in two layers: what is durable, and over it what sealed groups that are
 * not durable yet will change. Conditions are checked against both, readers see the first only. Of timers, which may be
 * very many, the durable layer is a table of its own, and their rows are in LevelDB.
 */
import type { TopicId } from '../contract.ts'
import {
  keyOf,
  type StateFamily,
  type StateKey,
  type StateRow,
  type StateRows,
  type TimerRow
} from './rows.ts'
import type { StoredKey, StoredRow } from './stored-rows.ts'
import { loadedVersion, type ReadTimers, TimerTable } from './timer-table.ts'

interface Held {
  readonly entry: StateRow
  readonly version: number
}

/** Families whose rows are all in memory. */
export type HeldFamily = Exclude<StateFamily, 'timer'>

/** Undefined entry: deleted. */
interface Sealed {
  readonly sequence: number
  readonly entry: StateRow | undefined
  readonly version: number
}

/** One change of a group, kept until the group is durable. */
export interface SealedChange {
  readonly key: StateKey
  readonly entry: StateRow | undefined
  readonly version: number
}

const versionsPerGroup = 2 ** 16

/** `loadedVersion` stands for `#loaded` in rows that were there at open. */
export class StateTable {
  /** The durable timers. */
  readonly timers = new TimerTable()
  readonly #families = new Map<StateFamily, Map<string, Map<string, Held>>>()
  /** Changes of groups that are sealed but not durable, by path. */
  readonly #sealed = new Map<string, Sealed>()
  /** Paths changed since the last checkpoint. */
  #dirty = new Map<string, { key: StoredKey; entry: StoredRow | undefined }>()
  /** Committed-offset keys by topic, for the day the topic is deleted. */
  readonly #byTopic = new Map<TopicId, Map<string, StateKey>>()
  /** Version of every row that was there at open. */
  #loaded = 0
  #version = 0

  /**
   * Sets versions apart from those of earlier opens, which some caller may still hold. `sequence`: of the last group in
   * the log; a group seldom makes more than 2^16 changes, and one that does costs a caller at most a failed condition.
   */
  begin(sequence: number): void {
    this.#loaded = (sequence + 1) * versionsPerGroup
    this.#version = this.#loaded
  }

  get dirtyCount(): number {
    return this.#dirty.size
  }

  /** The durable row of a timer. Rejects with TimerLostError. */
  async getTimer(
    key: StateKey<'timer'>,
    read: ReadTimers
  ): Promise<{ row: TimerRow; version: number } | undefined> {
    const found = await this.timers.row(key, read)
    return found && { row: found.row, version: this.#versionOf(found) }
  }

  /** The durable row. Of timers: `getTimer`. */
  get<F extends HeldFamily>(key: StateKey<F>): { row: StateRows[F]; version: number } | undefined {
    const held = this.#families.get(key.family)?.get(key.bucket)?.get(key.item)
    return held && { row: held.entry.row as StateRows[F], version: this.#versionOf(held) }
  }

  /** Of timers: `timers.all`. */
  scan<F extends HeldFamily>(family: F, bucket?: string): StateRows[F][] {
    const buckets = this.#families.get(family)
    if (buckets === undefined) return []
    const rows: StateRows[F][] = []
    const chosen = bucket === undefined ? buckets.values() : [buckets.get(bucket)]
    for (const one of chosen)
      for (const held of one?.values() ?? []) rows.push(held.entry.row as StateRows[F])
    return rows
  }

  /** Version of the row as the last sealed group leaves it; undefined if it leaves none. */
  sealedVersion(key: StateKey): number | undefined {
    const sealed = this.#sealed.get(pathOf(key))
    if (sealed !== undefined) return sealed.entry === undefined ? undefined : sealed.version
    return this.#durableVersion(key)
  }

  #durableVersion(key: StateKey): number | undefined {
    if (key.family === 'timer') {
      const version = this.timers.version(key)
      return version === undefined ? undefined : this.#versionOf({ version })
    }
    const held = this.#families.get(key.family)?.get(key.bucket)?.get(key.item)
    return held && this.#versionOf(held)
  }

  #versionOf({ version }: Pick<Held, 'version'>): number {
    return version === loadedVersion ? this.#loaded : version
  }

  /** Puts (or, without an entry, deletes) a row in the sealed layer. */
  seal(sequence: number, key: StateKey, entry: StateRow | undefined): SealedChange {
    const version = ++this.#version
    this.#sealed.set(pathOf(key), { sequence, entry, version })
    return { key, entry, version }
  }

  /** Forgets all that is sealed and not durable. */
  unseal(): void {
    this.#sealed.clear()
  }

  /** Keys of all rows, durable or sealed, that are keyed by the topic. */
  keysOfTopic(id: TopicId): StateKey[] {
    const keys = new Map(this.#byTopic.get(id) ?? [])
    for (const sealed of this.#sealed.values()) {
      if (sealed.entry?.family !== 'committed-offset' || sealed.entry.row.topicId !== id) continue
      const key = keyOf(sealed.entry)
      keys.set(pathOf(key), key)
    }
    return [...keys.values()]
  }

  /** The group with this sequence is durable: its changes become what readers see. */
  applyDurable(sequence: number, changes: readonly SealedChange[]): void {
    for (const change of changes) {
      const path = pathOf(change.key)
      this.#write(path, change.key, change.entry, change.version)
      if (
        this.#sealed.get(path)?.sequence === sequence &&
        this.#sealed.get(path)?.version === change.version
      )
        this.#sealed.delete(path)
    }
  }

  /** Puts a row that was read back at open. `dirty`: it is not in LevelDB yet. */
  load(entry: StateRow, dirty: boolean): void {
    const key = keyOf(entry)
    const path = pathOf(key)
    this.#write(path, key, entry, loadedVersion)
    if (!dirty) this.#dirty.delete(path)
  }

  /** Deletes a row at open. */
  unload(key: StateKey): void {
    this.#write(pathOf(key), key, undefined, loadedVersion)
  }

  /** Hands over what changed since the last call; `all` rows on request. */
  takeDirty(): { key: StoredKey; entry: StoredRow | undefined }[] {
    const dirty = [...this.#dirty.values(), ...this.timers.takeDirty()]
    this.#dirty = new Map()
    return dirty
  }

  /** All rows but those of timers. */
  *all(): Iterable<StateRow> {
    for (const buckets of this.#families.values())
      for (const bucket of buckets.values()) for (const held of bucket.values()) yield held.entry
  }

  #write(path: string, key: StateKey, entry: StateRow | undefined, version: number): void {
    if (key.family === 'timer') {
      if (entry?.family === 'timer') this.timers.put(entry.row, version)
      else this.timers.delete(key)
      return
    }
    let buckets = this.#families.get(key.family)
    if (buckets === undefined) {
      buckets = new Map()
      this.#families.set(key.family, buckets)
    }
    let bucket = buckets.get(key.bucket)
    this.#dirty.set(path, { key, entry })
    if (entry === undefined) {
      const old = bucket?.get(key.item)
      if (old?.entry.family === 'committed-offset')
        this.#byTopic.get(old.entry.row.topicId)?.delete(path)
      bucket?.delete(key.item)
      if (bucket?.size === 0) buckets.delete(key.bucket)
      return
    }
    if (bucket === undefined) {
      bucket = new Map()
      buckets.set(key.bucket, bucket)
    }
    bucket.set(key.item, { entry, version })
    if (entry.family === 'committed-offset') this.#noteTopic(entry.row.topicId, path, key)
  }

  #noteTopic(id: TopicId, path: string, key: StateKey): void {
    let keys = this.#byTopic.get(id)
    if (keys === undefined) {
      keys = new Map()
      this.#byTopic.set(id, keys)
    }
    keys.set(path, key)
  }
}

/** A key as one string; unambiguous, since family and item hold no NUL. */
function pathOf(key: StateKey): string {
  return `${key.family}\0${key.item}\0${key.bucket}`
}
