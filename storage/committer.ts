/**
 * Group commit. Commits wait in one line; a group is sealed from its front when the group before it is written (sync:
 * and fsynced), written with one vectored write, made durable with one fdatasync. High watermarks, state, waiters and
 * acknowledgements then move together.
 */
import type { Catalog } from './catalog.ts'
import { CommitLine } from './commit-line.ts'
import { DiskFullError } from './disk-full-error.ts'
import { encodeGroup, newDescriptions, stampGroup } from './encode-group.ts'
import { ioFailure, StoreError } from './errors.ts'
import type { LoggedChange } from './layout/types.ts'
import type { Log } from './log.ts'
import type { Clock, LogSink, Timer } from './ports.ts'
import { type ReplayAmount, type ReplayBacklog, unlimited } from './replay-backlog.ts'
import {
  isEmpty,
  type Pending,
  rejectOutcomes,
  type SealedGroup,
  settleOutcomes
} from './sealed-group.ts'
import { Sealer } from './sealer.ts'
import type { FlushMode, StoreSettings } from './settings.ts'
import type { Space } from './space.ts'
import { unseal } from './unseal.ts'

export interface CommitterParts {
  readonly catalog: Catalog
  readonly log: Log
  readonly space: Space
  readonly clock: Clock
  readonly logSink: LogSink
  readonly settings: StoreSettings
  readonly flushMode: FlushMode
  readonly storeId: Buffer
  /** A group is durable and the catalog has it: queues' ends, tail, index and waiters follow. */
  readonly onDurable: (group: SealedGroup) => void
  /** Called between groups, with everything sealed durable: the moment a checkpoint may look at the catalog. */
  readonly onQuiet: () => void
  /** A segment was sealed and the log goes on in the next. */
  readonly onRolled: (segment: number) => void
  readonly isCheckpointDue: () => boolean
  /** Resolves when a checkpoint came further, or one may begin; undefined where none is to be waited for. */
  readonly checkpointProgress: () => Promise<void> | undefined
  readonly backlog: ReplayBacklog
  readonly onFailed: (error: Error) => void
}

export interface CommitterStart {
  readonly sequence: number
  readonly appendTimeMs: number
}

export class Committer {
  readonly #parts: CommitterParts
  readonly #sealer: Sealer
  readonly #line = new CommitLine()
  #running: Promise<void> | undefined
  #sequence: number
  #durableSequence: number
  #durableEnd: { readonly segment: number; readonly position: number }
  #lastAppendMs: number
  /** Of a roll, until a group that says so is written. */
  #news: LoggedChange[] = []
  /** Async mode: written, not fsynced yet. */
  #written: SealedGroup[] = []
  #writtenBytes = 0
  #syncing: Promise<void> | undefined
  #syncTimer: Timer | undefined
  #failure: StoreError | undefined
  #closing = false
  readonly counts = { groups: 0, bytes: 0, syncs: 0, records: 0 }

  constructor(parts: CommitterParts, start: CommitterStart) {
    this.#parts = parts
    const { settings, log } = parts
    this.#sealer = new Sealer(parts.catalog, {
      flushBytesMax: Math.min(settings.flushBytesMax, log.groupBytesMax / 2),
      runBytesMax: settings.runBytesMax
    })
    this.#sequence = start.sequence
    this.#durableSequence = start.sequence
    this.#durableEnd = { segment: log.segment.id, position: log.segment.position }
    this.#lastAppendMs = start.appendTimeMs
  }

  /** Up to where the segment's bytes will never change: its durable groups, or all of it once it is sealed. */
  stableEnd(segment: number): number {
    if (segment !== this.#parts.log.segment.id) return Number.POSITIVE_INFINITY
    return segment === this.#durableEnd.segment ? this.#durableEnd.position : 0
  }

  get pendingCommits(): number {
    return this.#line.length
  }

  get pendingBytes(): number {
    return this.#line.bytes
  }

  get sequence(): number {
    return this.#sequence
  }

  get lastAppendMs(): number {
    return this.#lastAppendMs
  }

  get failure(): StoreError | undefined {
    return this.#failure
  }

  /** Puts a commit in line; it is settled with its group. */
  submit(pending: Pending): void {
    const refusal = this.#whyRefused(pending)
    if (refusal !== undefined) {
      pending.reject(refusal)
      return
    }
    this.#line.push(pending)
    this.#begin()
  }

  /** A checkpoint is due: it is begun between two groups, or now if there are none. */
  poke(): void {
    if (this.#failure === undefined && !this.#closing) this.#begin()
  }

  #begin(): void {
    // From idle, the rest of what arrived in this turn of the event loop joins the first group.
    this.#running ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#run())
  }

  #whyRefused(pending: Pending): StoreError | undefined {
    const { settings, space, log } = this.#parts
    if (this.#failure !== undefined) return this.#failure
    if (this.#closing) return new StoreError('closed', 'the store is closed')
    if (pending.weight * 2 > log.groupBytesMax)
      return new StoreError('too-large', `a commit of ${pending.weight} bytes is too large`)
    const { bytes } = this.#line
    if (bytes + pending.weight > settings.pendingBytesMax && bytes > 0)
      return new StoreError('overloaded', `${bytes} bytes wait for their flush`)
    if (this.pendingCommits >= settings.pendingCommitsMax)
      return new StoreError('overloaded', `${this.pendingCommits} commits wait for their flush`)
    if (pending.appendBytes > 0 && space.isFull) {
      space.noteRefused()
      return new StoreError('disk-full', space.reason)
    }
    return undefined
  }

  async #run(): Promise<void> {
    try {
      do {
        const room = await this.#room()
        if (room !== undefined) await this.#flushOne(room)
        if (this.#parts.isCheckpointDue()) await this.#beginCheckpoint()
      } while (this.#line.length > 0)
    } catch (error) {
      this.fail(error as Error)
    } finally {
      this.#running = undefined
    }
  }

  async #beginCheckpoint(): Promise<void> {
    await this.#syncAll()
    this.#parts.onQuiet()
  }

  /**
   * How much a restart may have to replay more than now: what the next group may hold. Waits for a checkpoint while the
   * first in line is beyond that, but not where there can be none (a full disk). Undefined when nobody is in line.
   */
  async #room(): Promise<ReplayAmount | undefined> {
    const { backlog, isCheckpointDue, checkpointProgress } = this.#parts
    for (;;) {
      const { first } = this.#line
      const room = first && backlog.roomFor(first)
      if (first === undefined || room !== undefined) return room
      if (isCheckpointDue()) await this.#beginCheckpoint()
      const progress = checkpointProgress()
      if (progress === undefined) return unlimited
      await Promise.race([progress, this.#line.ownComes()])
    }
  }

  async #flushOne(room: ReplayAmount): Promise<void> {
    const { clock, flushMode, space, backlog } = this.#parts
    const appendTimeMs = Math.max(clock.now(), this.#lastAppendMs)
    const { group, taken } = this.#sealer.seal(this.#line.view(), room, {
      sequence: this.#sequence + 1,
      appendTimeMs
    })
    this.#line.take(taken)
    if (isEmpty(group)) {
      this.#line.bytes -= group.weight
      settleOutcomes(group.outcomes)
      return
    }
    this.#sequence = group.sequence
    this.#lastAppendMs = appendTimeMs
    try {
      await this.#write(group)
      backlog.add(group)
      if (flushMode === 'sync') {
        this.counts.syncs++
        this.#line.bytes -= group.weight
        this.#durable(group)
      } else await this.#noteWritten(group)
    } catch (error) {
      try {
        if (!(error instanceof DiskFullError)) throw error
        return await this.#takeBack(group, error)
      } catch (fatal) {
        rejectOutcomes(group.outcomes, ioFailure(fatal as Error))
        throw fatal
      }
    }
    settleOutcomes(group.outcomes)
    await space.noteWritten(group.bytes)
  }

  /** In sync mode, durably. Rejects with DiskFullError where the log is as if nothing of it had been written. */
  async #write(group: SealedGroup): Promise<void> {
    const { log, storeId, flushMode } = this.#parts
    group.logged.unshift(...this.#news)
    let descriptions = newDescriptions(group, log.segment.described, this.#parts.catalog)
    let encoded = encodeGroup(group, descriptions)
    if (!log.fits(encoded.bytes) || this.#mustRoll(group)) {
      await this.#roll(group)
      descriptions = newDescriptions(group, log.segment.described, this.#parts.catalog)
      encoded = encodeGroup(group, descriptions)
    }
    group.segment = log.segment.id
    group.position = log.segment.position
    group.bytes = encoded.bytes
    for (const [i, run] of group.runs.entries())
      run.position = group.position + (encoded.runStarts[i] as number)
    stampGroup(encoded, group, this.#durableSequence, storeId)
    if (flushMode === 'sync') await log.writeDurable(encoded.buffers, encoded.bytes)
    else await log.write(encoded.buffers, encoded.bytes)
    for (const { topicId, queues } of descriptions)
      log.segment.described.set(topicId, queues.length)
    this.#news = []
    this.counts.groups++
    this.counts.bytes += encoded.bytes
  }

  /**
   * There was no room for a group: nothing of it has happened. Its appends and those in line are refused; what of it
   * only changes state may need less, and is sealed once more.
   */
  async #takeBack(group: SealedGroup, error: DiskFullError): Promise<void> {
    const { catalog, space } = this.#parts
    await this.#syncAll()
    unseal(catalog, group)
    this.#sequence = group.sequence - 1
    space.noteEnd()
    const refusal = new StoreError('disk-full', error.message, {}, { cause: error })
    const pending = new Set(group.outcomes.map((outcome) => outcome.pending))
    const isMixed = [...pending].some(({ appendBytes }) => appendBytes > 0)
    const kept: Pending[] = []
    for (const one of [...pending, ...this.#line.takeAll()]) {
      const isRefused = one.appendBytes > 0 || (!isMixed && pending.has(one))
      if (!isRefused) kept.push(one)
      else {
        this.#line.bytes -= one.weight
        one.reject(refusal)
      }
    }
    this.#line.putBack(kept)
  }

  #mustRoll({ outcomes }: SealedGroup): boolean {
    if (this.#parts.log.segment.lastGroupPosition < 0) return false
    return outcomes.some((one) => 'result' in one && one.pending.upkeep?.roll === true)
  }

  /** Goes on in a new segment; the group that did not fit carries the news of it. */
  async #roll(group: SealedGroup): Promise<void> {
    const { catalog, log, logSink } = this.#parts
    await this.#syncAll()
    const id = catalog.counters.nextSegmentId
    catalog.counters = { ...catalog.counters, nextSegmentId: id + 1 }
    const sealed = await log.roll(id, group.sequence - 1, group.appendTimeMs)
    const fresh = { id, firstSequence: group.sequence, lastSequence: -1, dataBytes: -1 }
    for (const row of [sealed, fresh]) {
      catalog.putSegment(row)
      this.#news.push({ op: 'put', entry: { family: 'segment', row } })
    }
    this.#news.push({ op: 'put', entry: { family: 'counters', row: catalog.counters } })
    group.logged.push(...this.#news)
    this.#parts.onRolled(id)
    logSink('debug', 'segment-sealed', { segment: sealed.id, bytes: sealed.dataBytes, next: id })
  }

  #durable(group: SealedGroup): void {
    this.#durableSequence = group.sequence
    this.#durableEnd = { segment: group.segment, position: group.position + group.bytes }
    for (const run of group.runs) this.counts.records += run.recordCount
    this.#parts.catalog.applyDurable(group)
    this.#parts.onDurable(group)
  }

  async #noteWritten(group: SealedGroup): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const { settings, clock } = this.#parts
    this.#line.bytes -= group.weight
    this.#written.push(group)
    this.#writtenBytes += group.bytes
    if (this.#writtenBytes >= settings.asyncBytesMax) {
      // More than the bound must not pile up while an fsync is under way.
      if (this.#syncing !== undefined) await this.#syncing
      if (this.#writtenBytes >= settings.asyncBytesMax) this.#startSync().catch(() => undefined)
    } else
      this.#syncTimer ??= clock.after(settings.asyncDelayMsMax, () => {
        this.#syncTimer = undefined
        this.#syncDue().catch(() => undefined)
      })
  }

  /** What waited longest has waited long enough. An fsync under way began before it was written. */
  async #syncDue(): Promise<void> {
    await this.#syncing
    await this.#startSync()
  }

  /** Async mode: fsyncs what is written so far. Rejects, and fails the store, if the disk does. */
  #startSync(): Promise<void> {
    if (this.#syncing !== undefined) return this.#syncing
    // One that succeeds after one that failed proves nothing: what stands before it may not be on the disk.
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const groups = this.#written
    if (groups.length === 0) return Promise.resolve()
    this.#written = []
    this.#writtenBytes = 0
    this.#syncTimer?.cancel()
    this.#syncTimer = undefined
    this.#syncing = this.#parts.log
      .sync()
      .then(
        () => {
          this.counts.syncs++
          for (const group of groups) this.#durable(group)
        },
        (error: Error) => {
          this.fail(error)
          throw this.#failure
        }
      )
      .finally(() => {
        this.#syncing = undefined
      })
    return this.#syncing
  }

  /** Everything written is durable then. Rejects where it cannot be known to be. */
  async #syncAll(): Promise<void> {
    while (this.#syncing !== undefined || this.#written.length > 0) await this.#startSync()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Async mode: makes everything acknowledged so far durable. */
  async settle(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#syncing === undefined && this.#written.length === 0) return
    const target = this.#written.at(-1)?.sequence ?? this.#sequence
    while (
      this.#durableSequence < target &&
      (this.#syncing !== undefined || this.#written.length > 0)
    )
      await this.#startSync()
  }

  /** Takes no more commits, flushes those that wait, and makes all of it durable. */
  async drain(): Promise<void> {
    this.#closing = true
    while (this.#running !== undefined) await this.#running
    if (this.#failure === undefined) await this.#syncAll()
    this.#syncTimer?.cancel()
  }

  /**
   * Stops for good: everything in line, and all that comes, is refused. A failed write or fsync is never tried again:
   * nothing can be known of the pages it was for.
   */
  fail(error: Error): void {
    if (this.#failure === undefined) {
      this.#failure = ioFailure(error)
      this.#syncTimer?.cancel()
      this.#parts.onFailed(error)
    }
    const waiting = this.#line.takeAll()
    this.#line.bytes = 0
    for (const pending of waiting) pending.reject(this.#failure)
  }
}
