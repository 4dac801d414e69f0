import type { File } from '../ports.ts'
import { FileWindow } from './file-window.ts'
import { groupHeaderBytes, segmentFooterBytes } from './format.ts'
import { readGroupHeader } from './group.ts'
import { type GroupEntry, readGroupEntries } from './group-entries.ts'
import { findUnsoundPayload } from './payloads.ts'
import { provenBy, type SearchResult, searchForward } from './search.ts'
import { decodeSegmentFooter } from './segment.ts'
import type { GroupHeader, SegmentFooter } from './types.ts'

export interface ScanOptions {
  readonly storeId: Buffer
  readonly segmentId: number
  /** Of the first group to read; `segmentHeaderBytes` for all of them. */
  readonly position: number
  /** That group's sequence. Left out, the first valid header says it. */
  readonly expectedSequence?: number
  /** Groups up to this sequence are known to have been durable, from elsewhere (a view, a later segment). */
  readonly durableThrough?: number
  /** Largest read, but for single entries that are larger. */
  readonly chunkBytes?: number
}

export interface ScannedGroup {
  readonly header: GroupHeader
  readonly entries: readonly GroupEntry[]
}

/** Gets whole groups in the order of their sequence, and waits for none. */
export interface ScanSink {
  group(group: ScannedGroup): void | Promise<void>
}

/** Durable groups that are not as they were written. They are kept where they are, and left out. */
export interface Damage {
  readonly segment: number
  readonly fromPosition: number
  /** Where a valid group or the footer follows. */
  readonly toPosition: number
  /** Those lost; absent if not even the first is known, `last` below `first` if none. */
  readonly sequences?: { readonly first: number; readonly last: number }
  readonly what: string
}

export interface TornTail {
  readonly position: number
  /** Up to the last byte that is not zero. */
  readonly bytes: number
  readonly why: string
}

export interface ScanEnd {
  /** Where the log may go on: after every valid group and all damage. Where the footer stands, if there is one. */
  readonly position: number
  /** 0 if nothing said what it is. */
  readonly nextSequence: number
  /** The greatest sequence proven durable by what was read, -1 for none. */
  readonly lastDurableThrough: number
  /** Groups given to the sink. */
  readonly groupCount: number
  readonly footer?: SegmentFooter
  readonly damages: readonly Damage[]
  /** Bytes after `position` that are no part of the log. Absent if only zeros follow. */
  readonly torn?: TornTail
}

/** Groups whose durability nothing has proven yet wait for a later header; beyond this many, payloads are read. */
const undecidedGroupsMax = 4096

/**
 * Reads the groups of one segment in order. A group is given to the sink whole or not at all, and only once it is
 * known sound: its header and entries always; the records of its batches only if no later header, the footer or
 * `durableThrough` proves that it had been fsynced.
 *
 * A bad group is a torn tail if nothing behind it proves that it was durable: the log ends before it. Otherwise it is
 * damage: reported, and the scan goes on at the next valid header. Rejects with LayoutError 'unsupported' on entries
 * of a newer version, and with whatever the file or the sink rejects with.
 */
export async function scanSegment(
  file: File,
  options: ScanOptions,
  sink: ScanSink
): Promise<ScanEnd> {
  const scan = new SegmentScan(file, await file.size(), options, sink)
  for (;;) {
    const end = await scan.step()
    if (end !== undefined) return end
  }
}

interface UnsoundGroup {
  readonly group: ScannedGroup
  readonly what: string
}

class SegmentScan {
  readonly #file: File
  readonly #size: number
  readonly #options: ScanOptions
  readonly #sink: ScanSink
  readonly #headers: FileWindow
  readonly #payloads: FileWindow
  readonly #damages: Damage[] = []
  /** Read and sound but for their records, which no proof covers so far. */
  #undecided: ScannedGroup[] = []
  #position: number
  #next: number | undefined
  #durable: number
  #groupCount = 0

  constructor(file: File, size: number, options: ScanOptions, sink: ScanSink) {
    this.#file = file
    this.#size = size
    this.#options = options
    this.#sink = sink
    this.#headers = new FileWindow(file, size, options.chunkBytes)
    this.#payloads = new FileWindow(file, size, options.chunkBytes)
    this.#position = options.position
    this.#next = options.expectedSequence
    this.#durable = options.durableThrough ?? -1
  }

  /** Handles what stands at the position; the end if it is one. */
  async step(): Promise<ScanEnd | undefined> {
    // Even within the header's block, when the file's first write was cut off.
    if (this.#position >= this.#size) return this.#handleBad('the file ends', this.#position)
    const place = { ...this.#options, position: this.#position }
    const count = Math.min(groupHeaderBytes, this.#size - this.#position)
    const at = await this.#headers.load(this.#position, count)
    const header = readGroupHeader(this.#headers.bytes.subarray(0, at + count), at, place)
    if (header !== undefined) return this.#readGroup(header)
    const tail = this.#headers.bytes.subarray(at, at + Math.min(count, segmentFooterBytes))
    const footer = decodeSegmentFooter(tail, place)
    if (footer !== undefined) return this.#readFooter(footer)
    return this.#handleBad('no valid group header', this.#position)
  }

  async #readGroup(header: GroupHeader): Promise<ScanEnd | undefined> {
    this.#next ??= header.sequence
    if (header.sequence !== this.#next) {
      const what = `group ${header.sequence} stands where ${this.#next} was due`
      return this.#handleBad(what, this.#position)
    }
    const end = header.position + header.bytes
    if (end > this.#size) return this.#handleBad('the file ends within the group', this.#size)
    const entries = await readGroupEntries(this.#headers, header)
    if (typeof entries === 'string') return this.#handleBad(entries, end)
    this.#undecided.push({ header, entries })
    this.#position = end
    this.#next += 1
    await this.#settle(provenBy(header))
    if (this.#undecided.length <= undecidedGroupsMax) return undefined
    const unsound = await this.#giveSound()
    return unsound && this.#stepBack(unsound)
  }

  async #readFooter(footer: SegmentFooter): Promise<ScanEnd | undefined> {
    this.#next ??= footer.lastSequence + 1
    if (footer.lastSequence !== this.#next - 1) {
      const what = `the footer says ${footer.lastSequence}, group ${this.#next} was due`
      return this.#handleBad(what, this.#position)
    }
    await this.#settle(footer.lastSequence)
    return { ...this.#end(), footer }
  }

  /** Gives away the groups that are proven durable by now. */
  async #settle(durableThrough: number): Promise<void> {
    this.#durable = Math.max(this.#durable, durableThrough)
    const proven = this.#undecided.findIndex(({ header }) => header.sequence > this.#durable)
    const groups = this.#undecided.splice(0, proven < 0 ? this.#undecided.length : proven)
    for (const group of groups) await this.#give(group)
  }

  async #give(group: ScannedGroup): Promise<void> {
    this.#groupCount += 1
    await this.#sink.group(group)
  }

  #stepBack({ group, what }: UnsoundGroup): Promise<ScanEnd | undefined> {
    const { header } = group
    this.#position = header.position
    this.#next = header.sequence
    return this.#handleBad(what, header.position + header.bytes, group)
  }

  /**
   * Reads the records of the groups nothing vouches for and gives the sound ones away, up to the first bad one; those
   * after it are forgotten, to be read again if the scan goes on behind it.
   */
  async #giveSound(): Promise<UnsoundGroup | undefined> {
    const groups = this.#undecided
    this.#undecided = []
    for (const group of groups) {
      const batch = await findUnsoundPayload(this.#payloads, group.entries)
      if (batch !== undefined) {
        const what = `the batch at ${batch.position} does not match its checksum`
        return { group, what }
      }
      await this.#give(group)
    }
    return undefined
  }

  /**
   * Decides between the end of the log, a torn tail and damage; `searchFrom`: where the next header may stand;
   * `unsound`: only its records are bad.
   */
  async #handleBad(
    what: string,
    searchFrom: number,
    unsound?: ScannedGroup
  ): Promise<ScanEnd | undefined> {
    const found = await searchForward({
      file: this.#file,
      from: searchFrom,
      end: this.#size,
      storeId: this.#options.storeId,
      segmentId: this.#options.segmentId,
      minSequence: this.#next ?? 0
    })
    await this.#settle(found.durableThrough)
    const wasDurable =
      this.#next === undefined ? found.first !== undefined : this.#durable >= this.#next
    if (wasDurable || found.sealed) {
      if (unsound === undefined) return this.#passDamage(what, found)
      await this.#keep(unsound)
      return undefined
    }
    const next = await this.#giveSound()
    if (next !== undefined) return this.#stepBack(next)
    return this.#endOrTorn(what, found.dataEnd)
  }

  /**
   * Its records are not read where the proof that it was durable comes first, and must not be lost where it comes
   * late: else the next open would find there what this one gave up. Whoever reads them is told.
   */
  async #keep(group: ScannedGroup): Promise<void> {
    const { header } = group
    await this.#give(group)
    this.#position = header.position + header.bytes
    this.#next = header.sequence + 1
  }

  #passDamage(what: string, { first, dataEnd }: SearchResult): ScanEnd | undefined {
    const fromPosition = this.#position
    const toPosition = first?.position ?? Math.max(dataEnd, fromPosition)
    const next = first?.sequence ?? this.#durable + 1
    const damage = { segment: this.#options.segmentId, fromPosition, toPosition, what }
    const due = this.#next
    this.#damages.push(
      due === undefined ? damage : { ...damage, sequences: { first: due, last: next - 1 } }
    )
    this.#position = toPosition
    this.#next = next
    return first === undefined ? this.#end() : undefined
  }

  #endOrTorn(why: string, dataEnd: number): ScanEnd {
    const position = this.#position
    if (dataEnd <= position) return this.#end()
    return { ...this.#end(), torn: { position, bytes: dataEnd - position, why } }
  }

  #end(): ScanEnd {
    return {
      position: this.#position,
      nextSequence: this.#next ?? 0,
      lastDurableThrough: this.#durable,
      groupCount: this.#groupCount,
      damages: this.#damages
    }
  }
}
