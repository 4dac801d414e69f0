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
  /** Name of a setting that the same commit puts; its value is the first append's base offset. */
  readonly setting: string
  fate: Fate
}

/** Refusals that leave open what became of the commit. */
const openEnded: readonly StoreErrorCode[] = ['io-failed', 'closed']

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
  readonly #flushMode: FlushMode
  readonly #epochs = new Map<QueueUid, number>()

  constructor(flushMode: FlushMode) {
    this.#flushMode = flushMode
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
    const lostBefore = this.lost
    const expected = new Set<string>()
    for (const sent of [...this.#sent]) {
      this.checked++
      const whole = await this.#verifySent(engine, sent, contents)
      if (whole) for (const { ids } of sent.appends) for (const id of ids) expected.add(id)
    }
    for (const [queue, { offsets }] of contents) {
      for (const id of offsets.keys()) {
        if (!expected.has(id)) throw new Violation(`queue ${queue}: ${id} is back from the dead`)
      }
      await this.#verifyEpoch(engine, queue, this.lost > lostBefore)
    }
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
