/** The embedded log as an engine. What happens at open is open-store.ts's. */
import { type BackupReport, Backups } from './backup.ts'
import { appendBytesOf, checkShape, entriesOf, needsCount, weightOf } from './commit-weight.ts'
import type { Committer } from './committer.ts'
import type {
  Commit,
  CommitResult,
  DueTimersQuery,
  Engine,
  EngineInfo,
  EngineStats,
  EngineStatus,
  KeyMatch,
  KeyQuery,
  QueueEnds,
  QueueReadResult,
  QueueUid,
  ReadRequest,
  TimeBound,
  TimePoint,
  TimerSummary,
  Topic,
  TopicLookup,
  VersionedRow,
  WaitRequest,
  WaitResult
} from './contract.ts'
import { StoreError } from './errors.ts'
import { Housekeeper } from './housekeeper.ts'
import { type ViewMark, viewVersion } from './index-db.ts'
import type { Queue } from './queue.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type { SealedGroup } from './sealed-group.ts'
import type { StateFamily, StateKey, StateRows, TimerRow } from './state/rows.ts'
import type { HeldFamily, StateTable } from './state/state-table.ts'
import { isTimerKey, type ReadTimers, TimerLostError } from './state/timer-table.ts'
import type { StoreParts, StoreTools } from './store-parts.ts'
import { tailRunOf } from './tail.ts'

export class Store implements Engine {
  readonly info: EngineInfo
  /** What the open found, cut or could not read. */
  readonly recovery: RecoveryReport
  readonly #parts: StoreParts
  #committer: Committer | undefined
  #failure: Error | undefined
  #closed: Promise<void> | undefined
  #isClosed = false
  #onFailure: (error: Error) => void = () => undefined
  /** Resolves, if ever, with why the store can go on no longer; only a restart helps. */
  readonly failure: Promise<Error>
  readonly #housekeeper: Housekeeper
  readonly #backups: Backups

  constructor(parts: StoreParts) {
    this.info = parts.info
    this.recovery = parts.recovery
    this.#parts = parts
    this.#housekeeper = new Housekeeper(parts, {
      committer: () => this.#running(),
      commit: (commit) => this.commit(commit),
      settle: () => this.settle(),
      onFailed: (error) => this.noteFailed(error)
    })
    this.#backups = new Backups({ ...this.#tools(), onFreed: () => parts.space.ask() })
    this.failure = new Promise((resolve) => {
      this.#onFailure = resolve
    })
  }

  /** Gives the store its committer: the two need each other. */
  start(committer: Committer): void {
    this.#committer = committer
  }

  /** Last step of an open. `checkpoint`: what was read is in no view yet. */
  async prepare(checkpoint: boolean): Promise<void> {
    await this.#parts.space.ask()
    if (checkpoint) await this.#parts.checkpointer.finish(this.viewMark())
    this.#housekeeper.start()
  }

  commit(commit: Commit): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      checkShape(commit, this.#parts.settings.changesPerCommitMax)
      const appendBytes = appendBytesOf(commit)
      const weight = weightOf(commit, appendBytes)
      const entries = entriesOf(commit)
      this.#running().submit({ commit, appendBytes, weight, entries, resolve, reject })
    })
  }

  async read(request: ReadRequest): Promise<readonly QueueReadResult[]> {
    this.#mustBeOpen()
    return this.#parts.reader.read(request)
  }

  async waitForData(request: WaitRequest): Promise<WaitResult> {
    this.#mustBeOpen()
    const awaited: { queue: Queue; offset: number }[] = []
    for (const { queue: uid, offset } of request.queues) {
      const queue = this.#parts.catalog.queues.get(uid)
      if (queue === undefined) return 'changed'
      awaited.push({ queue, offset })
    }
    // A held read is a read: what was acknowledged before it must come within its wait.
    if (this.#parts.flushMode === 'async') await this.settle()
    return this.#parts.waiters.wait(awaited, request.minBytes, request.maxWaitMs, request.signal)
  }

  async ends(uid: QueueUid): Promise<QueueEnds> {
    await this.settle()
    return this.#queue(uid).ends()
  }

  async endsOf(uids: readonly QueueUid[]): Promise<readonly (QueueEnds | undefined)[]> {
    await this.settle()
    this.#mustBeOpen()
    return uids.map((uid) => this.#parts.catalog.queues.get(uid)?.ends())
  }

  async findByKey(query: KeyQuery): Promise<readonly KeyMatch[]> {
    needsCount(query.countMax, 1)
    await this.settle()
    this.#mustBeOpen()
    const { keys, db, catalog } = this.#parts
    if (catalog.topics.find({ id: query.topicId }) === undefined) return []
    // Keys go later than their records.
    const isThere = (queue: QueueUid, offset: number) => catalog.isThere(queue, offset)
    return keys.find(query, db.keyBlocks(query.topicId), isThere)
  }

  async sizesOf(uids: readonly QueueUid[]): Promise<readonly (number | undefined)[]> {
    await this.settle()
    this.#mustBeOpen()
    const { catalog, sizes } = this.#parts
    const found: (number | undefined)[] = []
    for (const uid of uids) {
      const queue = catalog.queues.get(uid)
      found.push(queue && (await sizes.of(queue)))
    }
    return found
  }

  async enforceRetention(): Promise<void> {
    await this.settle()
    this.#mustBeOpen()
    await this.#housekeeper.run()
  }

  /** Makes a store in `folder`, empty or not there, of all that is acknowledged by now. Rejects with BackupError. */
  async backup(folder: string): Promise<BackupReport> {
    this.#mustBeOpen()
    return await this.#backups.make(folder)
  }

  /** For storage's own tools, which work on the parts of an open store. */
  tend<T>(work: (tools: StoreTools) => Promise<T>): Promise<T> {
    return work(this.#tools())
  }

  #tools(): StoreTools {
    const upkeep: StoreTools['upkeep'] = (one) => this.#housekeeper.upkeep(one)
    return { ...this.#parts, engine: this, sequence: () => this.#running().sequence, upkeep }
  }

  async offsetByTime(uid: QueueUid, timestampMs: number, by: TimeBound): Promise<TimePoint | null> {
    await this.settle()
    const queue = this.#queue(uid)
    const { search } = this.#parts
    return by === 'record'
      ? search.byRecordTime(queue, timestampMs)
      : search.byAppendTime(queue, timestampMs)
  }

  async latestByTimestamp(uid: QueueUid): Promise<TimePoint | null> {
    await this.settle()
    return this.#parts.search.greatest(this.#queue(uid))
  }

  async epochEnd(
    uid: QueueUid,
    leaderEpoch: number
  ): Promise<{ epoch: number; endOffset: number } | null> {
    await this.settle()
    const queue = this.#queue(uid)
    if (leaderEpoch > queue.leaderEpoch) return null
    const i = queue.epochs.findLastIndex((one) => one.epoch <= leaderEpoch)
    const found = queue.epochs[i]
    if (found === undefined) return null
    const endOffset = queue.epochs[i + 1]?.startOffset ?? queue.highWatermark
    return { epoch: found.epoch, endOffset }
  }

  async findTopic(by: TopicLookup, options?: { settled?: boolean }): Promise<Topic | undefined> {
    if (options?.settled === true) await this.settle()
    this.#mustBeOpen()
    return this.#parts.catalog.topics.find(by)
  }

  async topics(options?: { settled?: boolean }): Promise<readonly Topic[]> {
    if (options?.settled === true) await this.settle()
    this.#mustBeOpen()
    return this.#parts.catalog.topics.all()
  }

  async readState<F extends StateFamily>(
    key: StateKey<F>,
    options?: { settled?: boolean }
  ): Promise<VersionedRow<F> | undefined> {
    if (options?.settled === true) await this.settle()
    this.#mustBeOpen()
    if (!isTimerKey(key)) return this.#parts.catalog.state.get(key as StateKey<HeldFamily>) as never
    return (await this.#timers((state, read) => state.getTimer(key, read))) as never
  }

  async scanState<F extends StateFamily>(
    family: F,
    bucket?: string
  ): Promise<readonly StateRows[F][]> {
    await this.settle()
    this.#mustBeOpen()
    const { state } = this.#parts.catalog
    if (family !== 'timer') return state.scan(family as HeldFamily, bucket) as never
    const only = bucket === undefined ? undefined : Number(bucket)
    return (await this.#timers((_, read) => state.timers.all(read, only))) as never
  }

  async dueTimers({ queue, throughMs, countMax }: DueTimersQuery): Promise<readonly TimerRow[]> {
    needsCount(countMax, 1)
    await this.settle()
    this.#mustBeOpen()
    return this.#timers((state, read) => state.timers.due(queue, countMax, throughMs, read))
  }

  async timersOf(queue: QueueUid): Promise<TimerSummary> {
    this.#mustBeOpen()
    const pending = this.#parts.catalog.state.timers.pending(queue)
    return { pending: pending?.count ?? 0, nextDueMs: pending?.nextDueMs }
  }

  /** Reads timers, which are in LevelDB. One missing there ends the store: the next open makes the view anew. */
  async #timers<T>(ask: (state: StateTable, read: ReadTimers) => Promise<T>): Promise<T> {
    const { catalog, db } = this.#parts
    try {
      return await ask(catalog.state, (keys) => db.timersAt(keys))
    } catch (error) {
      if (this.#isClosed) throw new StoreError('closed', 'the store is closed')
      if (error instanceof TimerLostError) await db.forgetMark()
      this.noteFailed(error as Error)
      throw new StoreError('io-failed', (error as Error).message, {}, { cause: error })
    }
  }

  async settle(): Promise<void> {
    if (this.#parts.flushMode === 'async') await this.#running().settle()
  }

  status(): EngineStatus {
    if (this.#isClosed) return { state: 'closed', reason: 'the store is closed' }
    if (this.#failure !== undefined)
      return { state: 'failed', reason: `the disk failed: ${this.#failure.message}` }
    const { space } = this.#parts
    space.freshen()
    if (space.isFull) return { state: 'disk-full', reason: space.reason }
    return { state: 'ready', reason: '' }
  }

  stats(): EngineStats {
    const { catalog, tail, waiters, cold, space, log } = this.#parts
    const counts = this.#committer?.counts
    let logBytes = log.segment.position
    for (const segment of catalog.segments.values()) logBytes += Math.max(0, segment.dataBytes)
    return {
      flushGroups: counts?.groups ?? 0,
      flushedBytes: counts?.bytes ?? 0,
      fsyncs: counts?.syncs ?? 0,
      appendedRecords: counts?.records ?? 0,
      pendingCommits: this.#committer?.pendingCommits ?? 0,
      pendingBytes: this.#committer?.pendingBytes ?? 0,
      waiters: waiters.count,
      corruptReads: cold.corruptReads,
      tailBytes: tail.bytes,
      segments: catalog.segments.size,
      logBytes,
      refusingAppends: space.isFull ? 1 : 0,
      refusedAppends: space.refusals,
      freeBytes: space.freeBytes,
      diskBytes: space.diskBytes,
      ...this.#housekeeper.figures
    }
  }

  /** A group became durable and the catalog has it: the rest of what readers see follows. */
  noteDurable(group: SealedGroup): void {
    const { catalog, tail, checkpointer, keys } = this.#parts
    const tailRuns = []
    for (const run of group.runs) {
      const { queue } = run
      if (queue.gone) continue
      queue.highWatermark = run.nextOffset
      queue.durableMaxTimestamp = run.runningMax
      queue.runs.push({
        baseOffset: run.baseOffset,
        nextOffset: run.nextOffset,
        segment: group.segment,
        position: run.position,
        bytes: run.bytes,
        appendTimeMs: group.appendTimeMs,
        maxTimestamp: run.maxTimestamp,
        runningMax: run.runningMax,
        flags: run.flags
      })
      catalog.dirtyQueues.add(queue)
      keys.add(run.topicId, queue.uid, run.keys, group.appendTimeMs)
      tailRuns.push(tailRunOf(run, group.appendTimeMs))
    }
    for (const { op, topic } of group.topicChanges) if (op === 'drop') keys.forget(topic.id)
    checkpointer.note(group.bytes, tailRuns.length)
    tail.add(tailRuns)
    this.#housekeeper.noteDurable(group)
    for (const { queue, bytes } of group.runs)
      if (queue.waiters.size > 0) for (const waiter of [...queue.waiters]) waiter.add(bytes)
  }

  /** A segment was sealed, and the log goes on in the next. */
  readonly noteSealed = (): void => this.#housekeeper.noteSealed()

  /** Where the log's durable end is, for a checkpoint between two groups. */
  viewMark(): ViewMark {
    const { log, info } = this.#parts
    const committer = this.#running()
    return {
      version: viewVersion,
      storeId: info.storeId,
      applied: { segment: log.segment.id, position: log.segment.position },
      sequence: committer.sequence,
      appendTimeMs: committer.lastAppendMs,
      lastGroupPosition: log.segment.lastGroupPosition
    }
  }

  noteFailed(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#parts.checkpointer.abandon()
    this.#committer?.fail(error)
    this.#parts.logSink('error', 'store-failed', { reason: error.message })
    const failure = new StoreError('io-failed', `the store has stopped: ${error.message}`)
    this.#parts.waiters.failAll(failure)
    this.#onFailure(error)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { waiters, checkpointer, files, log, db, space } = this.#parts
    space.stop()
    const stopped = Promise.all([this.#housekeeper.stop(), this.#backups.stop()])
    await this.#running().drain()
    this.#isClosed = true
    checkpointer.takeNoMore()
    await stopped
    waiters.failAll(new StoreError('closed', 'the store is closed'))
    await checkpointer.idle()
    try {
      // A store that failed is left as it is: the log says what was durable.
      if (this.#failure === undefined && (await space.hasRoomNow())) {
        await checkpointer.finish(this.viewMark())
        await this.#parts.onClosed()
      }
    } finally {
      await files.close()
      await log.close().catch(() => undefined)
      await db.close()
    }
  }

  #running(): Committer {
    if (this.#committer === undefined) throw new Error('the store was not started')
    return this.#committer
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new StoreError('closed', 'the store is closed')
  }

  #queue(uid: QueueUid): Queue {
    this.#mustBeOpen()
    const queue = this.#parts.catalog.queues.get(uid)
    if (queue === undefined) throw new StoreError('queue-gone', `queue ${uid} does not exist`)
    return queue
  }
}
