/**
 * Fires the timers of one kind: one alarm, for the one that is due first. What is due is taken a limited number at a
 * time, in order of due time; the commits of a turn are given to the store together, so that they share flush groups.
 */
import {
  type Clock,
  type Commit,
  type Engine,
  type LogSink,
  type RecordAppend,
  StoreError,
  type StoreErrorCode,
  stateKeys,
  type Timer,
  type TimerRow
} from '../../../storage/index.ts'
import type { KindCounters } from './figures.ts'
import type { TimerLimits } from './limits.ts'
import type { Also, TimerAction, TimerKind, Verdict } from './timer.ts'
import type { WaitingRecords } from './waiting-records.ts'

export interface SchedulerOptions {
  readonly kind: TimerKind
  readonly queue: number
  readonly engine: Pick<Engine, 'commit' | 'dueTimers' | 'timersOf'>
  readonly records: WaitingRecords
  readonly clock: Clock
  readonly log: LogSink
  readonly limits: TimerLimits
  readonly action: TimerAction
  readonly counters: KindCounters
}

interface Dropped {
  count: number
  readonly [field: string]: unknown
}

/**
 * Due timers are looked up for so many turns at a time, so that a turn need not wait for the commits of the one before.
 * Half messages are settled by others meanwhile, and nobody is to be asked about those.
 */
const turnsTaken: Readonly<Record<TimerKind, number>> = { delayed: 8, half: 1 }

/** First pause after a refusal; each further one doubles it. */
const retryMsMin = 50
/** A timer whose action failed is due again after this, doubled each time it fails. */
const failedAgainMsMin = 1000
const failedAgainMsMax = 600_000

/** The store refuses for now: all that is due stays so. */
const passing: ReadonlySet<StoreErrorCode> = new Set([
  'closed',
  'disk-full',
  'overloaded',
  'io-failed',
  'limit-reached',
  'cancelled'
])
/** The copy can never be stored, or its record never be read again. */
const lasting: ReadonlySet<StoreErrorCode> = new Set([
  'too-large',
  'corrupt',
  'offset-out-of-range'
])

export class Scheduler {
  readonly #options: SchedulerOptions
  #alarm: Timer | undefined
  /** When the alarm was asked for; infinite without one. */
  #alarmMs = Number.POSITIVE_INFINITY
  #turn: Promise<void> | undefined
  #retryMs = 0
  #closed = false
  /** Of this turn, by topic and reason. */
  readonly #dropped = new Map<string, Dropped>()

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  /** A timer is pending that is due then. */
  noteDue(dueMs: number): void {
    if (this.#closed || dueMs >= this.#alarmMs) return
    this.#alarmMs = dueMs
    // A turn under way, or a pause after a refusal, sets the alarm when it is over.
    if (this.#turn === undefined && this.#retryMs === 0) this.#setAlarm()
  }

  /** Takes what is due now; resolves when there is no more, or the store refused. Never rejects. */
  run(): Promise<void> {
    this.#turn ??= this.#run().finally(() => {
      this.#turn = undefined
      if (!this.#closed) this.#setAlarm()
    })
    return this.#turn
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#alarm?.cancel()
    await this.#turn
  }

  #setAlarm(): void {
    const { clock, limits } = this.#options
    this.#alarm?.cancel()
    this.#alarm = undefined
    const untilDueMs = Math.max(this.#alarmMs - clock.now(), 0)
    const delayMs = this.#retryMs > 0 ? this.#retryMs : Math.min(untilDueMs, limits.timerWakeMsMax)
    if (delayMs === Number.POSITIVE_INFINITY || this.#alarmMs === Number.POSITIVE_INFINITY) return
    this.#alarm = clock.after(delayMs, () => {
      this.#alarm = undefined
      void this.run()
    })
  }

  async #run(): Promise<void> {
    const { engine, queue, records, clock, limits, log, kind, counters } = this.#options
    this.#alarm?.cancel()
    this.#alarmMs = Number.POSITIVE_INFINITY
    try {
      for (;;) {
        if (this.#closed) return
        const countMax = limits.timersAtOnceMax * turnsTaken[kind]
        const due = { queue, throughMs: clock.now(), countMax }
        const rows = await engine.dueTimers(due)
        if (rows.length === 0) break
        await this.#fireAll(rows)
        this.#retryMs = 0
      }
      const { nextDueMs } = await engine.timersOf(queue)
      if (nextDueMs !== undefined) this.#alarmMs = Math.min(this.#alarmMs, nextDueMs)
      records.forget()
      this.#retryMs = 0
    } catch (error) {
      counters.refused++
      this.#alarmMs = clock.now()
      this.#retryMs = Math.min(Math.max(this.#retryMs * 2, retryMsMin), limits.timerRetryMsMax)
      const fields = { kind, reason: (error as Error).message, retryMs: this.#retryMs }
      if (!this.#closed) log('warn', 'timers-refused', fields)
    }
  }

  /** Rejects if the store refuses for now; what was committed by then is settled. */
  async #fireAll(rows: readonly TimerRow[]): Promise<void> {
    const { limits, records } = this.#options
    let before: readonly Promise<void>[] = []
    for (let at = 0; at < rows.length && !this.#closed; at += limits.timersAtOnceMax) {
      const some = rows.slice(at, at + limits.timersAtOnceMax)
      await records.readAhead(some.map(({ offset }) => offset))
      const commits = await this.#fireSome(some)
      // The disk has the ones before while these are read and decided about.
      await all(before)
      before = commits
    }
    await all(before)
    this.#logDropped()
  }

  /** Resolves with the commits that are under way still. */
  async #fireSome(rows: readonly TimerRow[]): Promise<readonly Promise<void>[]> {
    const bytesMax = this.#options.limits.timersAtOnceBytesMax / 2
    let commits: Promise<void>[] = []
    let bytes = 0
    for (const row of rows) {
      const fired = await this.#decide(row)
      bytes += fired.bytes
      const commit = this.#settle(row, fired.verdict)
      // Waited for later, unless a later one cannot even be decided about.
      commit.catch(() => {})
      commits.push(commit)
      if (bytes < bytesMax) continue
      await all(commits)
      commits = []
      bytes = 0
    }
    return commits
  }

  async #decide(row: TimerRow): Promise<{ verdict: Verdict; bytes: number }> {
    const { records, action } = this.#options
    const place = { queue: row.queue, offset: row.offset }
    let bytes = 0
    try {
      const message = await records.message(row.offset)
      bytes = message.body.length + message.properties.length
      return { verdict: await action({ place, row, message }), bytes }
    } catch (error) {
      if (error instanceof StoreError && passing.has(error.code)) throw error
      if (error instanceof StoreError && lasting.has(error.code)) {
        return { verdict: { drop: error.message }, bytes }
      }
      return { verdict: this.#afterFailure(row, error), bytes }
    }
  }

  /** Rejects if the store refuses for now. */
  async #settle(row: TimerRow, verdict: Verdict): Promise<void> {
    const { engine, counters } = this.#options
    try {
      const { appendTimeMs } = await engine.commit(this.#commitOf(row, verdict))
      if ('settle' in verdict) counters.noteFired(appendTimeMs - row.dueMs)
      else if ('again' in verdict) counters.again++
      else this.#noteDropped(row, verdict.drop)
    } catch (error) {
      if (!(error instanceof StoreError) || passing.has(error.code)) throw error
      // Somebody else settled it meanwhile.
      if (error.code === 'condition-failed' && error.detail.condition === 0) return
      if (!('settle' in verdict)) throw error
      const isLasting = lasting.has(error.code)
      await this.#settle(row, isLasting ? { drop: error.message } : this.#afterFailure(row, error))
    }
  }

  /** One that cannot be decided about now must not hold up the others. */
  #afterFailure(row: TimerRow, error: unknown): Verdict {
    const { log, kind, clock } = this.#options
    const { queue, offset, count } = row
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    log('error', 'timer-action-failed', { kind, queue, offset, reason })
    const pauseMs = Math.min(failedAgainMsMin * 2 ** Math.min(count, 20), failedAgainMsMax)
    return { again: { dueMs: clock.now() + pauseMs } }
  }

  #commitOf(row: TimerRow, verdict: Verdict): Commit {
    const { clock } = this.#options
    if ('again' in verdict) {
      const { dueMs, detail = row.detail } = verdict.again
      const later = Math.max(dueMs, clock.now() + 1)
      return puttingAgain({ ...row, dueMs: later, count: row.count + 1, detail })
    }
    return settling(row, 'settle' in verdict ? verdict.settle : {})
  }

  #noteDropped({ queue, offset, dueMs, targetTopicId }: TimerRow, reason: string): void {
    this.#options.counters.dropped++
    const like = `${targetTopicId} ${reason}`
    const known = this.#dropped.get(like)
    if (known !== undefined) known.count++
    else this.#dropped.set(like, { count: 1, queue, offset, dueMs, targetTopicId, reason })
  }

  /** A line for those of one topic and reason: a topic that is deleted may have had many. The place is the first's. */
  #logDropped(): void {
    const { log, kind } = this.#options
    for (const fields of this.#dropped.values()) log('warn', 'timer-dropped', { kind, ...fields })
    this.#dropped.clear()
  }
}

/** The commit that settles a timer, if it is pending: its first condition. */
export function settling(place: { queue: number; offset: number }, also: Also): Commit {
  const key = stateKeys.timer(place.queue, place.offset)
  const resolves = [{ queue: place.queue, offset: place.offset }]
  // One run says it; a copy is the only append, or the first.
  const appends = (also.appends ?? []).map((append, i) =>
    i === 0 && isRecords(append) ? { ...append, resolves } : append
  )
  return {
    appends,
    changes: [{ op: 'delete', key }, ...(also.changes ?? [])],
    conditions: [{ is: 'present', key }, ...(also.conditions ?? [])]
  }
}

/** The commit that puts a timer again, if it is pending. */
export function puttingAgain(row: TimerRow): Commit {
  const key = stateKeys.timer(row.queue, row.offset)
  return {
    changes: [{ op: 'put', row: { family: 'timer', row } }],
    conditions: [{ is: 'present', key }]
  }
}

function isRecords(append: NonNullable<Also['appends']>[number]): append is RecordAppend {
  return 'records' in append
}

/** Waits for all, then rejects if one did. */
async function all(commits: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(commits))
    if (result.status === 'rejected') throw result.reason
}
