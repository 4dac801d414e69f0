/**
 * What a partition of a compacted topic can have shown: any record may go once its key has a newer one, and a tombstone
 * once it has had its time; nothing else goes, nothing changes, and what has gone stays away.
 */
import type { RecordId, Rule, SeenRecord } from './history.ts'

/** What a record does to its key. */
export interface Keyed {
  readonly key: string
  /** It has no value: the key is deleted. */
  readonly isTombstone: boolean
}

interface Sent extends Keyed {
  readonly name: string
  /** Undefined: in doubt. */
  offset: number | undefined
  /** A tombstone that is old enough to have gone. */
  mayGo: boolean
}

/** One whose place is known. */
type Known = Sent & { offset: number }

export interface CompactedPartitionOptions {
  readonly partition: number
  keyedOf(id: RecordId): Keyed
  nameOf(id: RecordId | null): string
  report(rule: Rule, detail: string): void
}

export class CompactedPartition {
  readonly #options: CompactedPartitionOptions
  readonly #sent = new Map<string, Sent>()
  /** By offset: what is or was there. */
  readonly #known = new Map<number, Known>()
  /** Offsets of records that no read of the whole partition has missed, and of those that one has. */
  readonly #there = new Set<number>()
  readonly #gone = new Set<number>()
  /** By key. */
  readonly #newest = new Map<string, Known>()
  readonly #inDoubt = new Map<string, Set<Sent>>()
  #end = 0
  /** Where it ended at least when the read of the whole partition began. */
  #endDue = 0

  constructor(options: CompactedPartitionOptions) {
    this.#options = options
  }

  sent(id: RecordId): void {
    const name = this.#options.nameOf(id)
    if (this.#sent.has(name)) return
    const keyed = this.#options.keyedOf(id)
    const sent: Sent = { ...keyed, name, offset: undefined, mayGo: false }
    this.#sent.set(name, sent)
    const inDoubt = this.#inDoubt.get(sent.key) ?? new Set()
    this.#inDoubt.set(sent.key, inDoubt.add(sent))
  }

  acknowledged(baseOffset: number, ids: readonly RecordId[]): void {
    for (const [i, id] of ids.entries()) this.#note(baseOffset + i, id)
  }

  /** This tombstone has had its time. */
  mayGo(id: RecordId): void {
    const sent = this.#sent.get(this.#options.nameOf(id))
    if (sent !== undefined) sent.mayGo = true
  }

  /** A consumer that asked for the records from `from` on was given these, and goes on at `next`. */
  given(from: number, next: number, records: readonly SeenRecord[]): void {
    this.#checkOffsets(from, next, records)
    for (const { offset, id } of records) this.#note(offset, id)
    let at = from
    for (const { offset } of [...records, { offset: next }]) {
      const due = this.firstDue(at, offset)
      if (due < offset)
        this.#report(
          'only what is superseded is skipped',
          `${this.#known.get(due)?.name} at ${due}`
        )
      at = offset + 1
    }
  }

  /** The first offset of these whose record must be there; `to` if there is none. */
  firstDue(from: number, to: number): number {
    for (let offset = from; offset < to; offset++) {
      const known = this.#known.get(offset)
      if (known !== undefined && !this.#maySkip(known)) return offset
    }
    return to
  }

  #maySkip({ key, offset, isTombstone, mayGo }: Known): boolean {
    const isSuperseded = (this.#newest.get(key)?.offset ?? 0) > offset
    const mayBeSuperseded = (this.#inDoubt.get(key)?.size ?? 0) > 0
    return isSuperseded || mayBeSuperseded || (isTombstone && mayGo)
  }

  /** Somebody begins to read all of it, and nobody else does until they are done. */
  readBegun(): void {
    this.#endDue = this.#end
  }

  /** What they found from its log start to its end; others may have written meanwhile. */
  read(from: number, end: number, records: readonly SeenRecord[]): void {
    this.#checkOffsets(from, end, records)
    if (end < this.#endDue)
      this.#report('the end never goes back', `it is ${end} and was ${this.#endDue}`)
    const last = new Map<string, number>()
    const found = new Set<number>()
    for (const { offset, id } of records) {
      const known = this.#note(offset, id)
      found.add(offset)
      if (known !== undefined) last.set(known.key, offset)
      if (this.#gone.has(offset))
        this.#report('what was compacted away stays away', `${known?.name} at ${offset} is back`)
    }
    for (const newest of this.#newest.values())
      if (newest.offset >= from && newest.offset < end)
        this.#checkNewest(newest, last.get(newest.key))
    for (const offset of this.#there) {
      if (offset >= end || found.has(offset)) continue
      this.#there.delete(offset)
      this.#gone.add(offset)
    }
  }

  /**
   * `last`: where the key's last record was read. What was not known when the read passed cannot have hidden a value:
   * its own place is before the end that was read last. But tombstones may have gone meanwhile.
   */
  #checkNewest({ key, name, offset, isTombstone, mayGo }: Known, last: number | undefined): void {
    if (last === offset) return
    for (const one of this.#inDoubt.get(key) ?? []) if (one.isTombstone && one.mayGo) return
    const detail = `${key}: ${name} at ${offset} was its newest, now the last is at ${last}`
    if (!isTombstone) this.#report('the newest record of a key stays', detail)
    else if (!mayGo) this.#report('a tombstone stays for its time', detail)
    // It may have gone between the reads of the one and the other, once.
    else if (last !== undefined && this.#gone.has(offset))
      this.#report('what a tombstone deleted stays away', detail)
  }

  #checkOffsets(from: number, next: number, records: readonly SeenRecord[]): void {
    let least = from
    for (const { offset } of records) {
      if (offset < least || offset >= next)
        this.#report('offsets rise', `${offset} was given where ${least} to ${next} was due`)
      least = offset + 1
    }
  }

  /** The record is at this offset; undefined if it cannot be. */
  #note(offset: number, id: RecordId | null): Known | undefined {
    const name = this.#options.nameOf(id)
    const sent = this.#sent.get(name)
    if (sent === undefined) {
      this.#report('nothing is there that was not sent', `${name} at ${offset}`)
      return undefined
    }
    const before = this.#known.get(offset)
    if ((before ?? sent) !== sent || (sent.offset ?? offset) !== offset) {
      const detail = `${offset} is ${name}, and was ${before?.name}; that was at ${sent.offset}`
      this.#report('a record keeps its offset', detail)
      return undefined
    }
    sent.offset = offset
    const known = sent as Known
    if (before !== undefined) return known
    this.#known.set(offset, known)
    this.#inDoubt.get(sent.key)?.delete(sent)
    this.#there.add(offset)
    this.#end = Math.max(this.#end, offset + 1)
    if ((this.#newest.get(sent.key)?.offset ?? -1) < offset) this.#newest.set(sent.key, known)
    return known
  }

  #report(rule: Rule, detail: string): void {
    this.#options.report(rule, `${this.#options.partition}: ${detail}`)
  }
}
