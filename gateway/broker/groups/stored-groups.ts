import type { Change, Engine } from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import type { Clock, LogSink } from '../../../storage/ports.ts'
import { type GroupRow, stateKeys } from '../../../storage/state/rows.ts'
import { groupNamesFromKafka } from '../names.ts'

/** A group that is stored, or is being stored. */
export interface StoredGroup {
  /** As it should be. */
  row: GroupRow
  /** As it was last stored; null until it is. */
  storedRow: GroupRow | null
  /** Before this time nothing of the group can expire, ms. */
  dueMs: number
  writing: boolean
  /** Commits of offsets under way. */
  committing: number
}

export interface StoredGroupsOptions {
  readonly engine: Pick<Engine, 'commit' | 'scanState'>
  readonly clock: Clock
  readonly log: LogSink
  /** How many groups may be stored. */
  readonly groupsMax: number
  /** Called when something of the group may expire from `dueMs` on. */
  readonly due: (dueMs: number) => void
}

/** Settings were made for it: it stays until it is deleted, with or without members and offsets. */
export function isConfigured({ settings }: Pick<GroupRow, 'settings'>): boolean {
  for (const _ in settings) return true
  return false
}

/**
 * What outlives members: one row a group, in memory and in the store. A row is stored when the group is first heard of
 * (its first generation or its first committed offset), when its last member leaves, and when one comes again.
 */
export class StoredGroups {
  readonly #options: StoredGroupsOptions
  readonly #groups = new Map<string, StoredGroup>()

  constructor(options: StoredGroupsOptions) {
    this.#options = options
  }

  /** Reads all rows. A group that had members when the server stopped is empty from now on. */
  async load(): Promise<void> {
    const nowMs = this.#options.clock.now()
    for (const row of await this.#options.engine.scanState('group')) {
      const hadMembers = row.protocolType !== '' && row.emptySinceMs < 0
      const group: StoredGroup = {
        row: hadMembers ? { ...row, emptySinceMs: nowMs } : row,
        storedRow: row,
        dueMs: nowMs,
        writing: false,
        committing: 0
      }
      this.#groups.set(row.names.kafka, group)
    }
    if (this.#groups.size > 0) this.#options.due(nowMs)
  }

  has(name: string): boolean {
    return this.#groups.has(name)
  }

  get(name: string): StoredGroup | undefined {
    return this.#groups.get(name)
  }

  entries(): Iterable<[string, StoredGroup]> {
    return this.#groups.entries()
  }

  /** The group, made if need be. Throws StoreError (limit-reached). */
  ensure(name: string): StoredGroup {
    const present = this.#groups.get(name)
    if (present !== undefined) return present
    const { groupsMax } = this.#options
    if (this.#groups.size >= groupsMax) {
      throw new StoreError('limit-reached', `${groupsMax} groups are stored already`, { groupsMax })
    }
    const group: StoredGroup = {
      row: { names: groupNamesFromKafka(name), protocolType: '', emptySinceMs: -1, settings: {} },
      storedRow: null,
      dueMs: Number.POSITIVE_INFINITY,
      writing: false,
      committing: 0
    }
    this.#groups.set(name, group)
    return group
  }

  /** A group that could not be stored is forgotten again. */
  dropUnstored(name: string): void {
    const group = this.#groups.get(name)
    if (group?.storedRow !== null || group.writing || group.committing > 0) return
    this.#groups.delete(name)
  }

  /** The group's rows are gone from the store; if it came to life meanwhile, its row is stored again. */
  forget(name: string, isLive: boolean): void {
    const group = this.#groups.get(name)
    if (group === undefined) return
    if (isLive) {
      group.row = { ...group.row, settings: {} }
      group.storedRow = null
      this.write(name)
    } else {
      this.#groups.delete(name)
    }
  }

  /** What a commit must also write for the group's row to be stored with it. */
  pendingChange(group: StoredGroup): Change[] {
    if (group.storedRow === group.row) return []
    return [{ op: 'put', row: { family: 'group', row: group.row } }]
  }

  /** Something of the group may expire from `dueMs` on. */
  setDue(group: StoredGroup, dueMs: number): void {
    group.dueMs = Math.min(group.dueMs, dueMs)
    this.#options.due(group.dueMs)
  }

  /**
   * Gives the group settings, made if need be; without any it has none of its own. Resolves when they are as durable
   * as the flush mode has it. Throws StoreError (limit-reached), rejects with it.
   */
  async configure(name: string, settings: GroupRow['settings']): Promise<void> {
    const group = this.ensure(name)
    const { settings: before } = group.row
    const row = { ...group.row, settings }
    group.row = row
    group.committing++
    try {
      await this.#options.engine.commit({ changes: this.pendingChange(group) })
      group.storedRow = row
    } catch (error) {
      if (group.row.settings === settings) group.row = { ...group.row, settings: before }
      throw error
    } finally {
      group.committing--
      this.dropUnstored(name)
    }
    // A row that changed meanwhile was stored before, or is now.
    this.write(name)
    this.setDue(group, this.#options.clock.now())
  }

  /** The group has members, that speak `protocolType`. */
  occupied(name: string, protocolType: string): void {
    let group: StoredGroup
    try {
      group = this.ensure(name)
    } catch (error) {
      this.#options.log('warn', 'group-not-stored', { group: name, reason: String(error) })
      return
    }
    if (group.row.protocolType === protocolType && group.row.emptySinceMs < 0) {
      if (group.storedRow === group.row) return
    }
    group.row = { ...group.row, protocolType, emptySinceMs: -1 }
    this.write(name)
  }

  /** The group's last member has gone. */
  emptied(name: string): void {
    const group = this.#groups.get(name)
    if (group === undefined) return
    const nowMs = this.#options.clock.now()
    group.row = { ...group.row, emptySinceMs: nowMs }
    this.write(name)
    // One that never committed need not be kept.
    this.setDue(group, nowMs)
  }

  /** Brings the stored row up to date. Failing is no matter: the expiry check tries again. */
  write(name: string): void {
    const group = this.#groups.get(name)
    if (group === undefined || group.writing) return
    void this.#write(name, group)
  }

  async #write(name: string, group: StoredGroup): Promise<void> {
    group.writing = true
    try {
      while (group.storedRow !== group.row && this.#groups.get(name) === group) {
        const row = group.row
        await this.#options.engine.commit({ changes: this.pendingChange(group) })
        group.storedRow = row
      }
    } catch (error) {
      this.#options.log('warn', 'group-not-stored', { group: name, reason: String(error) })
    } finally {
      group.writing = false
    }
  }

  /** The key under which the group's row is stored. */
  static keyOf(name: string) {
    return stateKeys.group(name)
  }
}
