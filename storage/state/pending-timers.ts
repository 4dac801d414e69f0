/**
 * The pending timers of one queue, by offset and in order of due time. Numbers in typed arrays, 41 bytes for each of up
 * to twice as many slots as there are timers: what else a timer's row says is in LevelDB.
 */

const slotsMin = 64
/** Offsets that are counted together, so that a stretch of the queue is looked at without looking at each timer. */
const blockOffsets = 1024
const none = -1

export interface Pending {
  readonly offset: number
  readonly dueMs: number
  readonly version: number
}

export class PendingTimers {
  #offsets = new Float64Array(slotsMin)
  #dues = new Float64Array(slotsMin)
  #versions = new Float64Array(slotsMin)
  /** LevelDB may have the row. */
  #stored = new Uint8Array(slotsMin)
  /** A slot's place in the heap. */
  #places = new Int32Array(slotsMin)
  /** Slots, a binary heap by due time and offset; those behind `#count` are free. */
  #heap = new Int32Array(slotsMin).map((_, i) => i)
  /** Offset to slot by open addressing, twice as large as there are slots; `none` is empty. */
  #table = new Int32Array(slotsMin * 2).fill(none)
  #count = 0
  readonly #blocks = new Map<number, number>()

  get count(): number {
    return this.#count
  }

  /** Of the timer that is due first. */
  get nextDueMs(): number | undefined {
    return this.#count === 0 ? undefined : this.#dues[this.#heap[0]!]
  }

  get(offset: number): Pending | undefined {
    const slot = this.#find(offset)
    return slot === none ? undefined : this.#at(slot)
  }

  isStored(offset: number): boolean {
    const slot = this.#find(offset)
    return slot !== none && this.#stored[slot] === 1
  }

  markStored(offset: number): void {
    const slot = this.#find(offset)
    if (slot !== none) this.#stored[slot] = 1
  }

  put(offset: number, dueMs: number, version: number): void {
    let slot = this.#find(offset)
    if (slot === none) slot = this.#add(offset)
    this.#dues[slot] = dueMs
    this.#versions[slot] = version
    this.#settle(slot)
  }

  delete(offset: number): boolean {
    const slot = this.#find(offset)
    if (slot === none) return false
    this.#unlink(offset)
    this.#countBlock(offset, -1)
    const place = this.#places[slot]!
    const last = --this.#count
    const moved = this.#heap[last]!
    this.#setHeap(place, moved)
    this.#setHeap(last, slot)
    if (place < last) this.#settle(moved)
    if (this.#offsets.length > slotsMin && this.#count < this.#offsets.length / 8) {
      this.#resize(Math.max(slotsMin, this.#offsets.length / 4))
    }
    return true
  }

  /** The first `countMax` timers that are due by `throughMs`, ascending by due time, then offset. */
  first(countMax: number, throughMs: number): Pending[] {
    const found: Pending[] = []
    // Places in the heap whose parents were all taken, a heap too: the next one is its first.
    const edge: number[] = this.#count > 0 ? [0] : []
    while (edge.length > 0 && found.length < countMax) {
      const place = this.#takeFirst(edge)
      const pending = this.#at(this.#heap[place]!)
      if (pending.dueMs > throughMs) break
      found.push(pending)
      for (const child of [2 * place + 1, 2 * place + 2])
        if (child < this.#count) this.#insert(edge, child)
    }
    return found
  }

  #insert(edge: number[], place: number): void {
    let at = edge.length
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#before(place, edge[parent]!)) break
      edge[at] = edge[parent]!
      at = parent
    }
    edge[at] = place
  }

  #takeFirst(edge: number[]): number {
    const first = edge[0]!
    const last = edge.pop()!
    if (edge.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= edge.length) break
      if (child + 1 < edge.length && this.#before(edge[child + 1]!, edge[child]!)) child++
      if (!this.#before(edge[child]!, last)) break
      edge[at] = edge[child]!
      at = child
    }
    edge[at] = last
    return first
  }

  /** Whether any record in `[from, to)` has a pending timer. */
  isPendingIn(from: number, to: number): boolean {
    if (this.#count === 0) return false
    for (let offset = from; offset < to; ) {
      const block = Math.floor(offset / blockOffsets)
      const next = Math.min((block + 1) * blockOffsets, to)
      if (this.#blocks.has(block)) {
        if (next - offset === blockOffsets) return true
        for (; offset < next; offset++) if (this.#find(offset) !== none) return true
      }
      offset = next
    }
    return false
  }

  /** The lowest offset that has a pending timer. */
  firstOffset(): number | undefined {
    if (this.#count === 0) return undefined
    let block = Number.POSITIVE_INFINITY
    for (const one of this.#blocks.keys()) if (one < block) block = one
    let offset = block * blockOffsets
    while (this.#find(offset) === none) offset++
    return offset
  }

  *offsets(): Iterable<number> {
    for (let i = 0; i < this.#count; i++) yield this.#offsets[this.#heap[i]!]!
  }

  #at(slot: number): Pending {
    return {
      offset: this.#offsets[slot]!,
      dueMs: this.#dues[slot]!,
      version: this.#versions[slot]!
    }
  }

  #add(offset: number): number {
    if (this.#count === this.#offsets.length) this.#resize(this.#count * 2)
    const place = this.#count++
    const slot = this.#heap[place]!
    this.#places[slot] = place
    this.#offsets[slot] = offset
    this.#stored[slot] = 0
    this.#link(slot)
    this.#countBlock(offset, 1)
    return slot
  }

  #countBlock(offset: number, by: number): void {
    const block = Math.floor(offset / blockOffsets)
    const count = (this.#blocks.get(block) ?? 0) + by
    if (count === 0) this.#blocks.delete(block)
    else this.#blocks.set(block, count)
  }

  /** Moves the timers into arrays of another length. Their order is the heap's, so that it is a heap again. */
  #resize(length: number): void {
    const order = Array.from(this.#heap.subarray(0, this.#count))
    const moved = <A extends Float64Array | Uint8Array>(from: A, to: A): A => {
      order.forEach((slot, i) => {
        to[i] = from[slot]!
      })
      return to
    }
    this.#offsets = moved(this.#offsets, new Float64Array(length))
    this.#dues = moved(this.#dues, new Float64Array(length))
    this.#versions = moved(this.#versions, new Float64Array(length))
    this.#stored = moved(this.#stored, new Uint8Array(length))
    this.#heap = new Int32Array(length).map((_, i) => i)
    this.#places = new Int32Array(length).map((_, i) => i)
    this.#table = new Int32Array(length * 2).fill(none)
    for (let slot = 0; slot < order.length; slot++) this.#link(slot)
  }

  #before(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one]!, this.#heap[other]!]
    const [dueA, dueB] = [this.#dues[a]!, this.#dues[b]!]
    return dueA < dueB || (dueA === dueB && this.#offsets[a]! < this.#offsets[b]!)
  }

  #setHeap(place: number, slot: number): void {
    this.#heap[place] = slot
    this.#places[slot] = place
  }

  #swap(one: number, other: number): void {
    const slot = this.#heap[one]!
    this.#setHeap(one, this.#heap[other]!)
    this.#setHeap(other, slot)
  }

  /** Moves a slot up or down to where its due time belongs. */
  #settle(slot: number): void {
    let place = this.#places[slot]!
    while (place > 0) {
      const parent = (place - 1) >>> 1
      if (!this.#before(place, parent)) break
      this.#swap(place, parent)
      place = parent
    }
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#count) return
      if (child + 1 < this.#count && this.#before(child + 1, child)) child++
      if (!this.#before(child, place)) return
      this.#swap(place, child)
      place = child
    }
  }

  #hash(offset: number): number {
    const low = Math.imul(offset >>> 0, 0x9e37_79b1)
    const high = Math.imul(Math.floor(offset / 2 ** 32), 0x85eb_ca6b)
    const mixed = low ^ high
    return (mixed ^ (mixed >>> 15)) & (this.#table.length - 1)
  }

  #find(offset: number): number {
    const mask = this.#table.length - 1
    for (let at = this.#hash(offset); ; at = (at + 1) & mask) {
      const slot = this.#table[at]!
      if (slot === none || this.#offsets[slot] === offset) return slot
    }
  }

  #link(slot: number): void {
    const mask = this.#table.length - 1
    let at = this.#hash(this.#offsets[slot]!)
    while (this.#table[at] !== none) at = (at + 1) & mask
    this.#table[at] = slot
  }

  /** Takes an offset out of the table, and moves up those behind it that it had pushed away from their places. */
  #unlink(offset: number): void {
    const mask = this.#table.length - 1
    let hole = this.#hash(offset)
    while (this.#offsets[this.#table[hole]!] !== offset) hole = (hole + 1) & mask
    for (let at = (hole + 1) & mask; this.#table[at] !== none; at = (at + 1) & mask) {
      const home = this.#hash(this.#offsets[this.#table[at]!]!)
      // Whether `home` lies cyclically in (hole, at]: then it must stay.
      const stays = hole <= at ? home > hole && home <= at : home > hole || home <= at
      if (stays) continue
      this.#table[hole] = this.#table[at]!
      hole = at
    }
    this.#table[hole] = none
  }
}
