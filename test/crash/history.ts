/**
 * What clients saw, in the order they saw it, and whether a correct server can have shown it. One list of events of
 * all clients, in real time: an answer is put into it when it arrived.
 */
import { CompactedPartition, type Keyed } from './compacted-partition.ts'

/** Names a record: its producer, the partition and the producer's count in that partition. */
export interface RecordId {
  producer: string
  partition: number
  count: number
}

/** A record where it was seen. `id` is null if the content is none that was ever sent. */
export interface SeenRecord {
  offset: number
  id: RecordId | null
}

export type HistoryEvent =
  /** A batch is about to be sent, for the first time or again. */
  | { kind: 'sent'; ids: readonly RecordId[] }
  /** Its acknowledgement arrived. */
  | { kind: 'acknowledged'; baseOffset: number; ids: readonly RecordId[] }
  /**
   * A consumer that asked for the records from `from` on was given these, and goes on at `next` (after the last record
   * if left out); `lost`: offsets whose bytes were damaged.
   */
  | {
      kind: 'given'
      partition: number
      from: number
      next?: number
      records: readonly SeenRecord[]
      lost?: ReadonlySet<number>
    }
  /** From now on the records below this offset may be gone: somebody asked for it, or they are old. */
  | { kind: 'may-go'; partition: number; offset: number }
  /** A deletion was acknowledged: the partition begins at this offset, or later. */
  | { kind: 'gone'; partition: number; offset: number }
  /** These tombstones are old enough to have gone. */
  | { kind: 'tombstones-may-go'; ids: readonly RecordId[] }
  /** A read of the whole partition begins. Only of a compacted one it is said, where others may write meanwhile. */
  | { kind: 'read-begun'; partition: number }
  /**
   * The whole partition as read from its log start, `from` (0 if left out), to its end (after the last record if left
   * out); `lost`: offsets that were reported as damaged.
   */
  | {
      kind: 'read'
      partition: number
      from?: number
      end?: number
      records: readonly SeenRecord[]
      lost?: ReadonlySet<number>
    }
  | { kind: 'commit-sent'; partition: number; offset: number }
  | { kind: 'commit-acknowledged'; partition: number; offset: number }
  /** The committed offset as the server tells it; -1 is none. */
  | { kind: 'committed'; partition: number; offset: number }
  /** State was reported as damaged: commits may have gone back. */
  | { kind: 'commits-lost' }
  | { kind: 'topic-made'; topic: string }
  | { kind: 'topic-drop-sent'; topic: string }
  | { kind: 'topic-dropped'; topic: string }
  /** All topics that there are. */
  | { kind: 'topics'; topics: readonly string[] }

export type Rule =
  | 'acknowledged records stay'
  | 'given records stay'
  | 'a read has no gap'
  | 'a consumer skips nothing'
  | 'nothing is there that was not sent'
  | 'a producer has its records in order, each once'
  | 'a commit that was acknowledged stays'
  | 'no commit comes from nowhere'
  | 'records go only when they may'
  | 'what is gone stays gone'
  | 'a topic stays until it is deleted'
  | 'a record keeps its offset'
  | 'offsets rise'
  | 'the end never goes back'
  | 'the newest record of a key stays'
  | 'a tombstone stays for its time'
  | 'what a tombstone deleted stays away'
  | 'what was compacted away stays away'
  | 'only what is superseded is skipped'

export interface Violation {
  rule: Rule
  detail: string
}

/** More of them say nothing new. */
const violationsMax = 20

const nameOf = (id: RecordId | null): string =>
  id ? `${id.producer}:${id.partition}:${id.count}` : 'content that nobody sent'

interface Due {
  id: string
  rule: 'acknowledged records stay' | 'given records stay'
}

/** Which partitions are of compacted topics, and what their records do. */
export interface CompactedTopics {
  has(partition: number): boolean
  keyedOf(id: RecordId): Keyed
}

/** Walks a history and returns what a correct server cannot have shown; empty if nothing. */
export function checkHistory(
  events: readonly HistoryEvent[],
  compacted?: CompactedTopics
): Violation[] {
  const checker = new HistoryChecker(compacted)
  for (const event of events) checker.see(event)
  return checker.violations
}

/** Walks a history while it happens. */
export class HistoryChecker {
  readonly violations: Violation[] = []
  readonly #topicsCompacted: CompactedTopics | undefined
  readonly #compacted = new Map<number, CompactedPartition>()
  readonly #sent = new Set<string>()
  /** By partition: what must be at an offset from now on, and why. */
  readonly #due = new Map<number, Map<number, Due>>()
  readonly #commitsSent = new Map<number, Set<number>>()
  readonly #committed = new Map<number, number>()
  /** By partition: the greatest offset that its log start may be at, and the least. */
  readonly #mayGo = new Map<number, number>()
  readonly #gone = new Map<number, number>()
  readonly #topics = new Map<string, 'made' | 'dropping' | 'dropped'>()

  constructor(compacted?: CompactedTopics) {
    this.#topicsCompacted = compacted
  }

  see(event: HistoryEvent): void {
    if (this.#topicsCompacted !== undefined && this.#seeCompacted(event, this.#topicsCompacted))
      return
    switch (event.kind) {
      case 'sent':
        for (const id of event.ids) this.#sent.add(nameOf(id))
        return
      case 'acknowledged':
        for (const [i, id] of event.ids.entries()) {
          this.#oblige(id.partition, event.baseOffset + i, nameOf(id), 'acknowledged records stay')
        }
        return
      case 'given':
        this.#seeGiven(event.partition, event.from, event.records, event.lost ?? new Set())
        return
      case 'read':
        this.#seeLogStart(event.partition, event.from ?? 0)
        this.#seeRead(event.partition, event.from ?? 0, event.records, event.lost ?? new Set())
        return
      case 'may-go':
        raise(this.#mayGo, event.partition, event.offset)
        return
      case 'gone':
        this.#seeLogStart(event.partition, event.offset)
        return
      case 'commit-sent': {
        const sent = this.#commitsSent.get(event.partition) ?? new Set()
        this.#commitsSent.set(event.partition, sent.add(event.offset))
        return
      }
      case 'commit-acknowledged':
        raise(this.#committed, event.partition, event.offset)
        return
      case 'committed':
        this.#seeCommitted(event.partition, event.offset)
        return
      case 'commits-lost':
        this.#committed.clear()
        return
      case 'topic-made':
        this.#topics.set(event.topic, 'made')
        return
      case 'topic-drop-sent':
        this.#topics.set(event.topic, 'dropping')
        return
      case 'topic-dropped':
        this.#topics.set(event.topic, 'dropped')
        return
      case 'tombstones-may-go':
      case 'read-begun':
        return
      case 'topics':
        this.#seeTopics(event.topics)
    }
  }

  /** False: it is seen as of any other partition, or also is. */
  #seeCompacted(event: HistoryEvent, topics: CompactedTopics): boolean {
    const of = (partition: number) => this.#compactedOf(partition, topics)
    switch (event.kind) {
      case 'sent':
        for (const id of event.ids) of(id.partition)?.sent(id)
        return false
      case 'acknowledged': {
        const [first] = event.ids
        const one = first && of(first.partition)
        one?.acknowledged(event.baseOffset, event.ids)
        return one !== undefined
      }
      case 'given': {
        const { partition, from, records, next = endOf(from, records) } = event
        of(partition)?.given(from, next, records)
        return of(partition) !== undefined
      }
      case 'tombstones-may-go':
        for (const id of event.ids) of(id.partition)?.mayGo(id)
        return true
      case 'read-begun':
        of(event.partition)?.readBegun()
        return true
      case 'read': {
        const { partition, records, from = 0, end = endOf(from, records) } = event
        const one = of(partition)
        if (one === undefined) return false
        this.#seeLogStart(partition, from)
        this.#checkProducers(partition, records)
        one.read(from, end, records)
        return true
      }
      default:
        return false
    }
  }

  #compactedOf(partition: number, topics: CompactedTopics): CompactedPartition | undefined {
    if (!topics.has(partition)) return undefined
    const known = this.#compacted.get(partition)
    if (known !== undefined) return known
    const one = new CompactedPartition({
      partition,
      nameOf,
      keyedOf: (id) => topics.keyedOf(id),
      report: (rule, detail) => this.#report(rule, detail)
    })
    this.#compacted.set(partition, one)
    return one
  }

  #report(rule: Rule, detail: string): void {
    if (this.violations.length < violationsMax) this.violations.push({ rule, detail })
  }

  #dueOf(partition: number): Map<number, Due> {
    const due = this.#due.get(partition) ?? new Map<number, Due>()
    this.#due.set(partition, due)
    return due
  }

  /** From now on `id` must be at the offset; it cannot be if something else had to be there already. */
  #oblige(partition: number, offset: number, id: string, rule: Due['rule']): void {
    if (offset < (this.#gone.get(partition) ?? 0)) return
    const due = this.#dueOf(partition)
    const before = due.get(offset)
    if (!before) due.set(offset, { id, rule })
    else if (before.id !== id) {
      this.#report(before.rule, `${partition}@${offset} was ${before.id} and is ${id}`)
    }
  }

  #seeGiven(
    partition: number,
    from: number,
    records: readonly SeenRecord[],
    lost: ReadonlySet<number>
  ): void {
    let due = from
    for (const { offset, id } of records) {
      const where = `${partition}@${offset}`
      while (due < offset && lost.has(due)) due++
      if (offset !== due)
        this.#report('a consumer skips nothing', `${where} was given where ${due} was due`)
      due = offset + 1
      this.#checkSent(where, id)
      this.#oblige(partition, offset, nameOf(id), 'given records stay')
    }
  }

  #seeLogStart(partition: number, offset: number): void {
    const mayGo = this.#mayGo.get(partition) ?? 0
    const gone = this.#gone.get(partition) ?? 0
    // The log start goes over what was compacted away.
    const least = this.#compacted.get(partition)?.firstDue(mayGo, offset) ?? mayGo
    if (offset > least) {
      const detail = `${partition} begins at ${offset}, it might at ${least}`
      this.#report('records go only when they may', detail)
    }
    if (offset < gone) {
      this.#report(
        'what is gone stays gone',
        `${partition} begins at ${offset}, and did at ${gone}`
      )
    }
    if (offset <= gone) return
    this.#gone.set(partition, offset)
    const due = this.#dueOf(partition)
    for (const one of due.keys()) if (one < offset) due.delete(one)
  }

  #seeTopics(topics: readonly string[]): void {
    const rule = 'a topic stays until it is deleted'
    for (const [topic, state] of this.#topics) {
      const isThere = topics.includes(topic)
      if (state === 'made' && !isThere) this.#report(rule, `${topic} is not there`)
      if (state === 'dropped' && isThere) this.#report(rule, `${topic} was deleted and is there`)
      // One that is seen after its deletion was asked for may still go; one that is not must not come back.
      if (state === 'dropping' && !isThere) this.#topics.set(topic, 'dropped')
    }
  }

  #seeRead(
    partition: number,
    from: number,
    records: readonly SeenRecord[],
    lost: ReadonlySet<number>
  ): void {
    this.#checkProducers(partition, records)
    let due = from
    for (const { offset, id } of records) {
      const where = `${partition}@${offset}`
      while (due < offset && lost.has(due)) due++
      if (offset !== due)
        this.#report('a read has no gap', `${where} was read where ${due} was due`)
      due = offset + 1
      this.#checkSent(where, id)
    }
    const there = new Map(records.map(({ offset, id }) => [offset, nameOf(id)]))
    const dueHere = this.#dueOf(partition)
    for (const [offset, { id, rule }] of dueHere) {
      const found = there.get(offset)
      if (found === undefined && lost.has(offset)) {
        dueHere.delete(offset)
        continue
      }
      if (found !== id) this.#report(rule, `${partition}@${offset} was ${id}, now ${found}`)
    }
  }

  #checkProducers(partition: number, records: readonly SeenRecord[]): void {
    const last = new Map<string, number>()
    for (const { offset, id } of records) {
      if (!id) continue
      const before = last.get(id.producer) ?? -1
      if (id.count <= before) {
        const rule = 'a producer has its records in order, each once'
        this.#report(rule, `${partition}@${offset} is ${nameOf(id)} after its ${before}`)
      }
      last.set(id.producer, id.count)
    }
  }

  #checkSent(where: string, id: RecordId | null): void {
    if (id && this.#sent.has(nameOf(id))) return
    this.#report('nothing is there that was not sent', `${where} is ${nameOf(id)}`)
  }

  #seeCommitted(partition: number, offset: number): void {
    const acknowledged = this.#committed.get(partition) ?? -1
    if (offset < acknowledged) {
      const detail = `${partition} is at ${offset}, ${acknowledged} was acknowledged`
      this.#report('a commit that was acknowledged stays', detail)
    }
    if (offset !== -1 && !this.#commitsSent.get(partition)?.has(offset)) {
      this.#report('no commit comes from nowhere', `${partition} is at ${offset}`)
    }
    // What was shown once is as good as acknowledged.
    raise(this.#committed, partition, offset)
  }
}

function endOf(from: number, records: readonly SeenRecord[]): number {
  return (records.at(-1)?.offset ?? from - 1) + 1
}

function raise(marks: Map<number, number>, partition: number, offset: number): void {
  marks.set(partition, Math.max(offset, marks.get(partition) ?? -1))
}
