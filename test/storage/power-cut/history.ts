/**
 * What clients did, saw and were told, and what must therefore be true of the store whenever it is open again. One
 * record's value is `<id>:<padding>`; ids are unique but for retries.
 */
import type { CommitResult, Engine, QueueUid } from '../../../storage/contract.ts'
import { StoreError, type StoreErrorCode } from '../../../storage/errors.ts'
import type { FlushMode } from '../../../storage/settings.ts'
import { stateKeys } from '../../../storage/state/rows.ts'
import { type QueueContent, readQueue } from './queue-content.ts'
import { Violation } from './violation.ts'

export interface SentAppend {
  readonly queue: QueueUid
  readonly ids: readonly string[]
  /** The store is to stamp its batches; with what, it said. */
  readonly isStamped?: boolean
  appendTimeMs?: number
  /** As acknowledged, or as found later. */
  baseOffset: number | undefined
}

/**
 * `sent`: no answer, or one that leaves it open; `acknowledged`: promised as far as the flush mode promises;
 * `durable`: must be there for ever; `refused`: must never be seen.
 */
export type Fate = 'sent' | 'acknowledged' | 'durable' | 'refused'

export interface Sent {
  readonly appends: readonly SentAppend[]
  /** Of its records, when it was acknowledged last. */
  bytes?: number
  /** When it was acknowledged, by the monotonic clock of that life. */
  acknowledgedMs?: number
  /** Name of a setting that the same commit puts; its value is the first append's base offset. */
  readonly setting: string
  fate: Fate
}

/** Refusals that leave open what became of the commit. */
const openEnded: readonly StoreErrorCode[] = ['io-failed', 'closed']

/** How a life ended. */
export interface End {
  /** The process alone went. */
  readonly isKill: boolean
  /** By the monotonic clock of that life. */
  readonly atMs: number
  readonly lossAgeMsMax: number
  readonly lossBytesMax: number
}

export class History {
  readonly queues: QueueUid[] = []
  readonly #sent = new Set<Sent>()
  readonly #seen = new Map<QueueUid, { highWatermark: number; ids: Map<number, string> }>()
  /** Committed offsets by queue: the greatest that must be there, and the greatest tried. */
  readonly #committed = new Map<QueueUid, number>()
  readonly #producerIds = new Set<number>()
  /** Commits checked in all verifications, so that a test can see that there was something to check. */
  checked = 0
  /** Acknowledged commits that were gone after a restart, in the flush mode async. */
  lost = 0
  /** Greatest values that a counter was raised to for certain. */
  readonly #counted = new Set<number>()
  /** What may be missing of what was acknowledged in async: the bound is of time and of bytes. */
  readonly lossMax = { ageMs: 0, bytes: 0 }
  #end: End | undefined
  readonly #flushMode: FlushMode
  readonly #epochs = new Map<QueueUid, number>()

  constructor(flushMode: FlushMode) {
    this.#flushMode = flushMode
  }

  /** The life ended; the first word counts, for nothing was acknowledged since. */
  ended(end: End): void {
    this.#end ??= end
  }

  /** Not the process alone: what it had not fsynced may be gone after all. */
  machineWent(): void {
    if (this.#end !== undefined) this.#end = { ...this.#end, isKill: false }
  }

  /** The counter was raised to `value` on condition that nobody else did, and that is durable. */
  counted(value: number): void {
    if (this.#counted.has(value)) throw new Violation(`the counter was raised to ${value} twice`)
    this.#counted.add(value)
  }

  /** A commit is about to be made, or made again. */
  begin(sent: Sent): Sent {
    this.#sent.add(sent)
    if (sent.fate === 'refused') sent.fate = 'sent'
    return sent
  }

  acknowledged(sent: Sent, result: CommitResult): void {
    for (const [index, append] of sent.appends.entries()) {
      const base = result.appends[index]?.baseOffset
      if (append.baseOffset !== undefined && append.baseOffset !== base) {
        throw new Violation(
          `${append.ids} was at ${append.baseOffset} and is told to be at ${base}`
        )
      }
      append.baseOffset = base
      append.appendTimeMs = result.appends[index]?.appendTimeMs as number
    }
    if (this.#flushMode === 'sync') sent.fate = 'durable'
    else if (sent.fate !== 'durable') sent.fate = 'acknowledged'
  }

  /** Everything given was acknowledged, and by the flush mode's rules nothing can take it back any more. */
  durable(...all: readonly Sent[]): void {
    for (const sent of all) sent.fate = 'durable'
  }

  /** Returns the refusal's code; rethrows what is none. */
  failed(sent: Sent, error: unknown): StoreErrorCode {
    if (!(error instanceof StoreError)) throw error
    if (!openEnded.includes(error.code) && sent.fate === 'sent') sent.fate = 'refused'
    return error.code
  }

  /** A client read this far: it must never be taken back. */
  saw(queue: QueueUid, highWatermark: number, ids: ReadonlyMap<number, string>): void {
    const seen = this.#seen.get(queue) ?? { highWatermark: 0, ids: new Map() }
    if (highWatermark < seen.highWatermark) {
      throw new Violation(
        `queue ${queue}: the high watermark fell from ${seen.highWatermark} to ${highWatermark}`
      )
    }
    seen.highWatermark = highWatermark
    for (const [offset, id] of ids) {
      const before = seen.ids.get(offset) ?? id
      if (before !== id)
        throw new Violation(`queue ${queue}: offset ${offset} was ${before}, is ${id}`)
      seen.ids.set(offset, id)
    }
    this.#seen.set(queue, seen)
  }

  committedOffset(queue: QueueUid, offset: number): void {
    this.#committed.set(queue, Math.max(offset, this.#committed.get(queue) ?? 0))
  }

  producerId(id: number): void {
    if (this.#producerIds.has(id)) throw new Violation(`producer id ${id} was handed out twice`)
    this.#producerIds.add(id)
  }

  /** Compares with an engine that was just opened; what it finds there becomes durable knowledge. */
  async verify(engine: Engine): Promise<void> {
    const contents = new Map<QueueUid, QueueContent>()
    for (const queue of this.queues) {
      const content = await readQueue(engine, queue)
      contents.set(queue, content)
      this.#verifySeen(queue, content)
      const offset = this.#committed.get(queue) ?? 0
      await verifyCommitted(engine, queue, content.highWatermark, offset)
    }
    await this.#verifyCounter(engine)
    const lostBefore = this.lost
    const lost: Sent[] = []
    const expected = new Set<string>()
    for (const sent of [...this.#sent]) {
      this.checked++
      const wasAcknowledged = sent.fate === 'acknowledged'
      const whole = await this.#verifySent(engine, sent, contents)
      if (wasAcknowledged && !whole) lost.push(sent)
      if (whole) for (const { ids } of sent.appends) for (const id of ids) expected.add(id)
    }
    this.#verifyLoss(lost)
    this.#end = undefined
    for (const [queue, { offsets }] of contents) {
      for (const id of offsets.keys()) {
        if (!expected.has(id)) throw new Violation(`queue ${queue}: ${id} is back from the dead`)
      }
      await this.#verifyEpoch(engine, queue, this.lost > lostBefore)
    }
  }

  /** No more may be lost than the bounds of async say, and nothing to a process that was killed. */
  #verifyLoss(lost: readonly Sent[]): void {
    const end = this.#end
    if (lost.length === 0 || end === undefined) return
    if (end.isKill) throw new Violation(`${lost[0]?.setting} was lost to a process kill`)
    const ageMs = Math.max(...lost.map((sent) => end.atMs - (sent.acknowledgedMs ?? 0)))
    const bytes = lost.reduce((sum, sent) => sum + (sent.bytes ?? 0), 0)
    this.lossMax.ageMs = Math.max(this.lossMax.ageMs, ageMs)
    this.lossMax.bytes = Math.max(this.lossMax.bytes, bytes)
    if (ageMs > end.lossAgeMsMax)
      throw new Violation(`what was acknowledged ${ageMs} ms before the end is lost`)
    if (bytes > end.lossBytesMax) throw new Violation(`${bytes} acknowledged bytes are lost`)
  }

  async #verifyCounter(engine: Engine): Promise<void> {
    const row = await engine.readState(stateKeys.setting('counter'), { settled: true })
    const value = Number(row?.row.value ?? 0)
    const least = Math.max(0, ...this.#counted)
    if (value < least) throw new Violation(`the counter was ${least} and is ${value}`)
    this.#counted.add(value)
  }

  /** Whoever was told of records that are gone can find out (KIP-101). */
  async #verifyEpoch(engine: Engine, queue: QueueUid, hasLost: boolean): Promise<void> {
    const { leaderEpoch } = await engine.ends(queue)
    const before = this.#epochs.get(queue) ?? 0
    if (leaderEpoch < before + (hasLost ? 1 : 0)) {
      throw new Violation(`queue ${queue}: epoch ${leaderEpoch} after ${before}, lost: ${hasLost}`)
    }
    this.#epochs.set(queue, leaderEpoch)
  }

  #verifySeen(queue: QueueUid, content: QueueContent): void {
    const seen = this.#seen.get(queue)
    if (seen && content.highWatermark < seen.highWatermark) {
      throw new Violation(
        `queue ${queue} ends at ${content.highWatermark}, seen was ${seen.highWatermark}`
      )
    }
    this.saw(queue, content.highWatermark, content.ids)
  }

  /** Whether it is there; throws where that is not as it must be. */
  async #verifySent(
    engine: Engine,
    sent: Sent,
    contents: ReadonlyMap<QueueUid, QueueContent>
  ): Promise<boolean> {
    const setting = await engine.readState(stateKeys.setting(sent.setting), { settled: true })
    const places = sent.appends.map((append) => placeOf(append, contents.get(append.queue)!))
    const present = places.filter((place) => place !== undefined).length
    const parts = `${present} of ${places.length} appends and ${setting ? 'its' : 'no'} setting`
    const whole = present === places.length && setting !== undefined
    if (!whole && (present > 0 || setting !== undefined)) {
      throw new Violation(`${sent.setting} (${sent.fate}) is there by half: ${parts}`)
    }
    if (whole && setting.row.value !== `${places[0]}`) {
      throw new Violation(
        `${sent.setting} says ${setting.row.value}, its records are at ${places[0]}`
      )
    }
    if (sent.fate === 'refused' && whole)
      throw new Violation(`${sent.setting} was refused and is there`)
    if (sent.fate === 'durable' && !whole)
      throw new Violation(`${sent.setting} was promised and is lost`)
    if (sent.fate === 'acknowledged' && !whole) this.lost++
    for (const [index, append] of sent.appends.entries()) {
      const place = places[index]
      if (whole) verifyStamp(append, contents.get(append.queue)!)
      if (append.baseOffset !== undefined && place !== undefined && append.baseOffset !== place) {
        throw new Violation(`${append.ids} was told ${append.baseOffset} and is at ${place}`)
      }
      append.baseOffset = place
    }
    if (whole) sent.fate = 'durable'
    else {
      // Its client may send it again: what it was told before says nothing of that.
      this.#sent.delete(sent)
      sent.fate = 'sent'
    }
    return whole
  }
}

/** With LogAppendTime a record has the time that its producer was told. */
function verifyStamp({ ids, isStamped, appendTimeMs }: SentAppend, content: QueueContent): void {
  if (isStamped !== true) return
  for (const id of ids) {
    const timestamp = content.stamps.get(id)
    if (timestamp === undefined || (appendTimeMs !== undefined && timestamp !== appendTimeMs))
      throw new Violation(`${id} was stamped ${appendTimeMs} and has ${timestamp}`)
  }
}

/** Where the append's records stand, all in a row; undefined if none is there. */
function placeOf(append: SentAppend, content: QueueContent): number | undefined {
  const base = content.offsets.get(append.ids[0]!)
  for (const [index, id] of append.ids.entries()) {
    const offset = content.offsets.get(id)
    if (offset !== (base === undefined ? undefined : base + index)) {
      throw new Violation(`queue ${append.queue}: ${append.ids} is there by half`)
    }
  }
  return base
}

async function verifyCommitted(
  engine: Engine,
  queue: QueueUid,
  highWatermark: number,
  least: number
): Promise<void> {
  const topic = await engine.findTopic({ queue }, { settled: true })
  if (!topic) throw new Violation(`the topic of queue ${queue} is gone`)
  const key = stateKeys.committedOffset('group', topic.id, topic.queues.indexOf(queue))
  const offset = (await engine.readState(key, { settled: true }))?.row.offset ?? 0
  if (offset > highWatermark) {
    throw new Violation(`queue ${queue}: committed ${offset} is beyond the end, ${highWatermark}`)
  }
  if (offset < least) throw new Violation(`queue ${queue}: committed ${least} fell to ${offset}`)
}
