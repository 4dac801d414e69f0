import type { SeededRandom } from './seeded-random.ts'

/** What a page cache and a disk move at once. */
export const pageBytes = 4096
/** What a disk writes whole or not at all. */
export const sectorBytes = 512

/** Pages that are allotted, over all files of a disk. */
export interface PageBudget {
  used: number
  max: number
  /** Pages that a power cut dropped or tore. */
  harmed: number
}

/** What a page was made into since the last sync. Pages are never written to: each write makes a new one. */
interface Version {
  readonly page: Buffer | undefined
  /** Number of the truncation that cut this page off; 0: a plain write. */
  readonly cutBy: number
}

interface SizeChange {
  readonly size: number
  /** Truncations to something smaller, up to this change. */
  readonly cuts: number
}

/** A file's contents twice over: what the page cache shows, and what is known to be on the disk. */
export class DiskFile {
  links = 0
  opens = 0
  readonly #budget: PageBudget
  readonly #pages = new Map<number, Buffer>()
  readonly #durablePages = new Map<number, Buffer>()
  readonly #dirty = new Map<number, Version[]>()
  /** The first is durable, the last is what readers see. */
  #sizes: SizeChange[] = [{ size: 0, cuts: 0 }]
  #cuts = 0

  constructor(budget: PageBudget) {
    this.#budget = budget
  }

  get size(): number {
    return this.#sizes.at(-1)!.size
  }

  get dirtyPages(): number {
    return this.#dirty.size
  }

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position))
    for (let done = 0; done < count; ) {
      const at = position + done
      const start = at % pageBytes
      const some = Math.min(pageBytes - start, count - done)
      const page = this.#pages.get(Math.floor(at / pageBytes))
      if (page) page.copy(target, targetStart + done, start, start + some)
      else target.fill(0, targetStart + done, targetStart + done + some)
      done += some
    }
    return count
  }

  /** Writes into the page cache until the disk is full; returns how many bytes went in. */
  write(data: Buffer, position: number): number {
    let done = 0
    while (done < data.length) {
      const at = position + done
      const index = Math.floor(at / pageBytes)
      const start = at % pageBytes
      const some = Math.min(pageBytes - start, data.length - done)
      const old = this.#pages.get(index)
      if (!old && this.#budget.used >= this.#budget.max) break
      const page = Buffer.alloc(pageBytes)
      if (old && some < pageBytes) old.copy(page)
      data.copy(page, start, done, done + some)
      this.#put(index, page, 0)
      done += some
    }
    const end = position + done
    if (done > 0 && end > this.size) this.#sizes.push({ size: end, cuts: this.#cuts })
    return done
  }

  truncate(length: number): void {
    if (length < this.size) {
      this.#cuts++
      const whole = Math.ceil(length / pageBytes)
      for (const index of [...this.#pages.keys()]) {
        if (index >= whole) this.#put(index, undefined, this.#cuts)
      }
      const boundary = this.#pages.get(whole - 1)
      if (boundary && length % pageBytes !== 0) {
        const page = Buffer.from(boundary)
        page.fill(0, length % pageBytes)
        this.#put(whole - 1, page, 0)
      }
    }
    if (length !== this.size) this.#sizes.push({ size: length, cuts: this.#cuts })
  }

  /** All that the page cache has and knows to be dirty goes to the disk. */
  sync(): void {
    for (const index of this.#dirty.keys()) this.#makeDurable(index)
    this.#dirty.clear()
    this.#sizes = [this.#sizes.at(-1)!]
  }

  /**
   * What Linux does when an fsync fails: some pages were written, the others are marked clean although they never
   * were. Reads go on showing them; no later fsync writes them.
   */
  failSync(random: SeededRandom): void {
    for (const index of this.#dirty.keys()) {
      if (random.chance(0.5)) this.#makeDurable(index)
    }
    this.#dirty.clear()
  }

  /** One bit of what is there turns over, on the disk and in the page cache. */
  rot(position: number, bit: number): void {
    const index = Math.floor(position / pageBytes)
    for (const pages of [this.#pages, this.#durablePages]) {
      const old = pages.get(index)
      if (old === undefined) continue
      const page = Buffer.from(old)
      page[position % pageBytes]! ^= 1 << bit
      pages.set(index, page)
    }
  }

  /** The file after the power went. Each page that was not synced is on its own: kept, dropped or torn. */
  survivor(random: SeededRandom, budget: PageBudget, keep: number): DiskFile {
    const file = new DiskFile(budget)
    const { size, cuts } = random.chance(keep) ? random.pick(this.#sizes) : this.#sizes[0]!
    const indexes = new Set([...this.#durablePages.keys(), ...this.#dirty.keys()])
    for (const index of indexes) {
      const left = size - index * pageBytes
      if (left <= 0) continue
      const page = this.#survivingPage(index, cuts, random, keep)
      if (!page) continue
      const whole = left >= pageBytes ? page : Buffer.concat([page.subarray(0, left)], pageBytes)
      file.#pages.set(index, whole)
      file.#durablePages.set(index, whole)
    }
    file.#sizes = [{ size, cuts: 0 }]
    budget.used += file.#pages.size
    return file
  }

  /** Gives its pages back once nothing refers to it. */
  release(): void {
    if (this.links === 0 && this.opens === 0) {
      this.#budget.used -= this.#pages.size
      this.#pages.clear()
    }
  }

  #survivingPage(index: number, cuts: number, random: SeededRandom, keep: number) {
    let choices: (Buffer | undefined)[] = [this.#durablePages.get(index)]
    for (const { page, cutBy } of this.#dirty.get(index) ?? []) {
      // A truncation that was lost takes all with it that was written in its place afterwards.
      if (cutBy > cuts) break
      if (cutBy > 0) choices = [page]
      else choices.push(page)
    }
    if (choices.length === 1) return choices[0]
    this.#budget.harmed++
    if (!random.chance(keep)) return choices[0]
    if (random.chance(0.7)) return random.pick(choices.slice(1))
    const torn = Buffer.alloc(pageBytes)
    const pair = [random.pick(choices), random.pick(choices)]
    const cutAt = random.chance(0.5) ? random.integer(pageBytes) : -1
    for (let at = 0; at < pageBytes; at += sectorBytes) {
      const version = cutAt < 0 ? random.pick(choices) : pair[at < cutAt ? 0 : 1]
      version?.copy(torn, at, at, at + sectorBytes)
    }
    return torn
  }

  #put(index: number, page: Buffer | undefined, cutBy: number): void {
    const had = this.#pages.has(index)
    if (page) this.#pages.set(index, page)
    else this.#pages.delete(index)
    this.#budget.used += (page ? 1 : 0) - (had ? 1 : 0)
    const versions = this.#dirty.get(index)
    if (versions) versions.push({ page, cutBy })
    else this.#dirty.set(index, [{ page, cutBy }])
  }

  #makeDurable(index: number): void {
    const page = this.#pages.get(index)
    if (page) this.#durablePages.set(index, page)
    else this.#durablePages.delete(index)
  }
}
