/** An engine whose callers' work is counted: appends, and what else its observer wants to know of. */
import type {
  Append,
  AppendResult,
  Commit,
  CommitResult,
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
  Topic,
  TopicLookup,
  VersionedRow,
  WaitRequest,
  WaitResult
} from '../../../storage/contract.ts'
import { StoreError } from '../../../storage/errors.ts'
import {
  type CommittedOffsetRow,
  type StateFamily,
  type StateKey,
  type StateRows,
  stateKeys
} from '../../../storage/state/rows.ts'

/** Told of what was done; must not throw. */
export interface EngineObserver {
  appended?(queue: QueueUid, records: number, bytes: number): void
  /** Offsets that an answer covers: what is left out of it (markers, deleted records) is counted too. */
  read?(records: number, bytes: number): void
  /** Whether `moved` wants to know of a group. */
  watches?(group: string): boolean
  /** A group's place went from one offset to another. */
  moved?(row: CommittedOffsetRow, from: number): void
}

export class CountedEngine implements Engine {
  readonly #engine: Engine
  readonly #observer: EngineObserver

  constructor(engine: Engine, observer: EngineObserver) {
    this.#engine = engine
    this.#observer = observer
  }

  get info(): EngineInfo {
    return this.#engine.info
  }

  async commit(commit: Commit): Promise<CommitResult> {
    // Asked before, answered meanwhile: the commit does not wait for it.
    const places = this.#observer.moved === undefined ? [] : this.#placesIn(commit)
    const result = await this.#engine.commit(commit)
    for (const { row, before } of places) {
      const from = (await before)?.row.offset
      if (from !== undefined) this.#observer.moved?.(row, from)
    }
    commit.appends?.forEach((append, i) => {
      this.#countAppend(append, result.appends[i])
    })
    return result
  }

  async read(request: ReadRequest): Promise<readonly QueueReadResult[]> {
    const results = await this.#engine.read(request)
    if (this.#observer.read !== undefined) this.#countRead(request, results)
    return results
  }

  waitForData(request: WaitRequest): Promise<WaitResult> {
    return this.#engine.waitForData(request)
  }

  ends(queue: QueueUid): Promise<QueueEnds> {
    return this.#engine.ends(queue)
  }

  endsOf(queues: readonly QueueUid[]): Promise<readonly (QueueEnds | undefined)[]> {
    return this.#engine.endsOf(queues)
  }

  offsetByTime(queue: QueueUid, timestampMs: number, by: TimeBound): Promise<TimePoint | null> {
    return this.#engine.offsetByTime(queue, timestampMs, by)
  }

  latestByTimestamp(queue: QueueUid): Promise<TimePoint | null> {
    return this.#engine.latestByTimestamp(queue)
  }

  findByKey(query: KeyQuery): Promise<readonly KeyMatch[]> {
    return this.#engine.findByKey(query)
  }

  epochEnd(queue: QueueUid, leaderEpoch: number): ReturnType<Engine['epochEnd']> {
    return this.#engine.epochEnd(queue, leaderEpoch)
  }

  sizesOf(queues: readonly QueueUid[]): Promise<readonly (number | undefined)[]> {
    return this.#engine.sizesOf(queues)
  }

  enforceRetention(): Promise<void> {
    return this.#engine.enforceRetention()
  }

  findTopic(by: TopicLookup, options?: { settled?: boolean }): Promise<Topic | undefined> {
    return this.#engine.findTopic(by, options)
  }

  topics(options?: { settled?: boolean }): Promise<readonly Topic[]> {
    return this.#engine.topics(options)
  }

  readState<F extends StateFamily>(
    key: StateKey<F>,
    options?: { settled?: boolean }
  ): Promise<VersionedRow<F> | undefined> {
    return this.#engine.readState(key, options)
  }

  scanState<F extends StateFamily>(family: F, bucket?: string): Promise<readonly StateRows[F][]> {
    return this.#engine.scanState(family, bucket)
  }

  dueTimers(...asked: Parameters<Engine['dueTimers']>): ReturnType<Engine['dueTimers']> {
    return this.#engine.dueTimers(...asked)
  }

  timersOf(...asked: Parameters<Engine['timersOf']>): ReturnType<Engine['timersOf']> {
    return this.#engine.timersOf(...asked)
  }

  settle(): Promise<void> {
    return this.#engine.settle()
  }

  status(): EngineStatus {
    return this.#engine.status()
  }

  stats(): EngineStats {
    return this.#engine.stats()
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  #placesIn({ changes = [] }: Commit) {
    const places = []
    for (const change of changes) {
      if (change.op !== 'put' || typeof change.row === 'function') continue
      if (change.row.family !== 'committed-offset') continue
      const { row } = change.row
      if (this.#observer.watches?.(row.group) !== true) continue
      const key = stateKeys.committedOffset(row.group, row.topicId, row.queue)
      places.push({ row, before: this.#engine.readState(key).catch(() => undefined) })
    }
    return places
  }

  /** What was sent again is counted once. */
  #countAppend(append: Append, result: AppendResult | undefined): void {
    if (result === undefined || result.duplicate) return
    let records = 0
    let bytes = 0
    if ('batches' in append) {
      for (const batch of append.batches) {
        records += batch.recordCount
        bytes += batch.bytes.length
      }
    } else {
      records = append.records.length
      for (const { encoded } of append.records) bytes += encoded.length
    }
    this.#observer.appended?.(append.queue, records, bytes)
  }

  #countRead({ queues }: ReadRequest, results: readonly QueueReadResult[]): void {
    let records = 0
    let bytes = 0
    results.forEach((result, i) => {
      if (result instanceof StoreError) return
      records += result.nextOffset - (queues[i]?.offset ?? result.nextOffset)
      bytes += result.bytes
    })
    this.#observer.read?.(records, bytes)
  }
}
