/**
 * Puts segments in their order where no state says it. The log's own segments have sequences; a cleaner's copy of which
 * no row is left stands where the offsets of its queues go on from those before it and up to those behind, in a place
 * where sequences are missing: those of the segments that it was made of.
 */
import type { QueueUid } from '../contract.ts'
import type { SegmentRow } from '../state/stored-rows.ts'
import type { FoundSegment, Range } from './inventory.ts'

interface Element {
  readonly id: number
  /** Undefined: its sequences are chosen in the end. */
  readonly row: SegmentRow | undefined
  readonly dataBytes: number
  readonly isMissing: boolean
  readonly isDamaged: boolean
  /** Of its runs, ms. */
  readonly firstMs: number
  readonly lastMs: number
  index: number
}

/** A queue's offsets in an element. */
interface Span extends Range {
  readonly element: Element
}

export class Arrangement {
  readonly #order: Element[] = []
  /** Ascending. */
  readonly #spans = new Map<QueueUid, Span[]>()

  /** Segments whose rows are known. */
  constructor(known: readonly { readonly row: SegmentRow; readonly found: FoundSegment }[]) {
    const sorted = known.toSorted((a, b) => a.row.firstSequence - b.row.firstSequence)
    for (const { row, found } of sorted)
      this.#insert(this.#order.length, elementOf(row.id, row, found), found.queues)
  }

  /** False: it stands nowhere, for it has nothing, or what others have. */
  addCopy(copy: FoundSegment): boolean {
    if (copy.queues.size === 0) return false
    let low = 0
    let high = this.#order.length
    for (const [queue, range] of copy.queues) {
      const spans = this.#spans.get(queue) ?? []
      const at = placeIn(spans, range.from)
      const before = spans[at - 1]
      const after = spans[at]
      if ((before?.to ?? 0) > range.from || (after?.from ?? range.to) < range.to) return false
      if (before !== undefined) low = Math.max(low, before.element.index + 1)
      if (after !== undefined) high = Math.min(high, after.element.index)
    }
    const places = this.#placesWithRoom(low, high)
    // Where offsets leave a choice, append times mostly do not.
    const place = places.find((one) => this.#isTimely(one, copy)) ?? places[0]
    if (place === undefined) return false
    this.#insert(place, elementOf(copy.id, undefined, copy), copy.queues)
    return true
  }

  /** A segment that was live and is not there, unless what stands in its place is a copy. */
  addLost(row: SegmentRow): void {
    const at = this.#order.findIndex((one) => (one.row?.firstSequence ?? -1) > row.firstSequence)
    const place = at < 0 ? this.#order.length : at
    if (this.#order[place - 1]?.row === undefined && place > 0) return
    this.#insert(place, elementOf(row.id, row, undefined), undefined)
  }

  /**
   * Where offsets of a queue are missing and sequences too, a segment is: `idFor` says what it is called. Where no
   * sequences are missing nothing is: the cleaner left out what the queue's log start, which was lost, was behind.
   * Returns where each queue begins.
   */
  addMissing(idFor: (before: number, after: number) => number): Map<QueueUid, number> {
    const starts = new Map<QueueUid, number>()
    for (const [queue, spans] of this.#spans) {
      starts.set(queue, (spans[0] as Span).from)
      for (const [i, { from, element: after }] of spans.entries()) {
        const before = spans[i - 1]
        if (before === undefined || before.to >= from) continue
        const low = before.element.index
        if (this.#findMissing(low + 1, after.index, idFor)) continue
        if (!this.#order.slice(low, after.index + 1).some((one) => one.isDamaged))
          starts.set(queue, from)
      }
      // Compaction never takes a queue's last record.
      const { to, runsTo, element } = spans.at(-1) as Span
      if (runsTo < to) this.#findMissing(element.index + 1, this.#order.length, idFor)
    }
    return starts
  }

  /** Whether a missing segment is in one of these places, or can be. */
  #findMissing(
    low: number,
    high: number,
    idFor: (before: number, after: number) => number
  ): boolean {
    if (this.#order.slice(low, high).some(({ isMissing }) => isMissing)) return true
    const [place] = this.#placesWithRoom(low, high)
    if (place === undefined) return false
    const id = idFor(this.#idBefore(place), this.#idFrom(place))
    this.#insert(place, elementOf(id, undefined, undefined), undefined)
    return true
  }

  rows(): { readonly rows: SegmentRow[]; readonly missing: Set<number> } {
    const rows: SegmentRow[] = []
    let last = 0
    for (const { id, row, dataBytes } of this.#order) {
      const sequence = last + 1
      const its = row ?? { id, firstSequence: sequence, lastSequence: sequence, dataBytes }
      rows.push(its)
      last = Math.max(its.firstSequence, its.lastSequence)
    }
    const missing = this.#order.filter(({ isMissing }) => isMissing).map(({ id }) => id)
    return { rows, missing: new Set(missing) }
  }

  #insert(place: number, element: Element, queues: ReadonlyMap<QueueUid, Range> | undefined): void {
    this.#order.splice(place, 0, element)
    for (let i = place; i < this.#order.length; i++) (this.#order[i] as Element).index = i
    for (const [queue, range] of queues ?? []) {
      const spans = this.#spans.get(queue) ?? []
      this.#spans.set(queue, spans)
      spans.splice(placeIn(spans, range.from), 0, { ...range, element })
    }
  }

  /** Places from `low` to `high` where a sequence is free. */
  #placesWithRoom(low: number, high: number): number[] {
    const places: number[] = []
    let last = 0
    /** Elements whose sequences come out of the same gap. */
    let begin = 0
    for (let i = 0; i <= this.#order.length; i++) {
      const row = this.#order[i]?.row
      if (row === undefined && i < this.#order.length) continue
      // Behind the end sequences are free, unless the last segment takes them.
      const next = row?.firstSequence ?? (this.#isOpen() ? last + 1 : Number.POSITIVE_INFINITY)
      const isFree = next - last - 1 > i - begin
      for (let at = begin; isFree && at <= i; at++) if (at >= low && at <= high) places.push(at)
      if (row === undefined) break
      last = Math.max(row.firstSequence, row.lastSequence)
      begin = i + 1
    }
    return places
  }

  #isOpen(): boolean {
    const row = this.#order.findLast((one) => one.row !== undefined)?.row
    return row !== undefined && row.lastSequence < 0
  }

  #isTimely(place: number, { firstAppendMs, lastAppendMs }: FoundSegment): boolean {
    const before = this.#order[place - 1]?.lastMs ?? Number.NEGATIVE_INFINITY
    const after = this.#order[place]?.firstMs ?? Number.POSITIVE_INFINITY
    return before <= firstAppendMs && lastAppendMs <= after
  }

  #idBefore(place: number): number {
    return this.#order.slice(0, place).findLast((one) => one.row !== undefined)?.id ?? 0
  }

  #idFrom(place: number): number {
    const after = this.#order.slice(place).find((one) => one.row !== undefined)
    return after?.id ?? Number.POSITIVE_INFINITY
  }
}

function elementOf(
  id: number,
  row: SegmentRow | undefined,
  found: FoundSegment | undefined
): Element {
  return {
    id,
    row,
    dataBytes: found?.dataBytes ?? 0,
    isMissing: found === undefined,
    isDamaged: found?.isDamaged === true,
    firstMs: found?.firstAppendMs ?? Number.POSITIVE_INFINITY,
    lastMs: found?.lastAppendMs ?? Number.NEGATIVE_INFINITY,
    index: 0
  }
}

/** Index of the first span that begins at or after an offset. */
function placeIn(spans: readonly Span[], offset: number): number {
  let low = 0
  let high = spans.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((spans[middle] as Span).from < offset) low = middle + 1
    else high = middle
  }
  return low
}
