/** Bits that turn over in segments, and what may be missing for it. */
import { crc32c } from '@node-rs/crc32'
import { batchHeaderBytes, batchUncheckedBytes } from '../../storage/batch/record-batch.ts'
import { segmentHeaderBytes } from '../../storage/layout/format.ts'
import { type ScannedGroup, scanSegment } from '../../storage/layout/scan.ts'
import { decodeSegmentHeader } from '../../storage/layout/segment.ts'
import type { CutTail, RecoveryReport } from '../../storage/recovery-report.ts'
import { MemoryFile } from '../storage/layout/memory-file.ts'
import { Violation } from '../storage/power-cut/violation.ts'
import type { FaultyDisk } from '../support/faulty-disk.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

export const logFolder = '/data/log'

/** Of a batch's checksum in its header. */
const crcAt = 17

/** A group that is not as it was written. */
interface Rotten {
  readonly segment: number
  readonly position: number
  /** Of itself, and of the groups from it to the end of the segment: by queue uid, what may be missing. */
  readonly own: ReadonlyMap<number, readonly number[]>
  readonly behind: ReadonlyMap<number, readonly number[]>
}

/** What an open said. */
export type Opened = Pick<RecoveryReport, 'cut' | 'damages'>

export class Rot {
  readonly #random: SeededRandom
  readonly #isUnseen: boolean
  readonly #queues = new Map<string, readonly number[]>()
  #rotten: Rotten[] = []
  flips = 0

  /** `isUnseen`: checksums are made to match, as if nobody looked at them. */
  constructor(random: SeededRandom, isUnseen: boolean) {
    this.#random = random
    this.#isUnseen = isUnseen
  }

  /** Turns one bit over in some group, or in nothing if there is none. */
  async flip(disk: FaultyDisk): Promise<void> {
    const name = this.#random.pick(disk.namesAt(logFolder))
    const path = `${logFolder}/${name}`
    const bytes = disk.peek(path)
    const groups = await groupsIn(bytes)
    const last = groups.at(-1)
    if (last === undefined) return
    this.#noteTopics(groups)
    const footer = last.header.position + last.header.bytes
    if (footer < bytes.length && this.#random.chance(0.1)) {
      disk.rot(path, this.#random.between(footer, bytes.length - 1), this.#random.integer(8))
      this.#note(last.header.segmentId, footer, [], [])
      return
    }
    const at = this.#random.integer(groups.length)
    const { header } = groups[at] as ScannedGroup
    if (this.#isUnseen) {
      this.#flipUnseen(disk, path, bytes, groups[at] as ScannedGroup)
      this.#note(header.segmentId, header.position, groups.slice(at, at + 1), groups.slice(at))
      return
    }
    const within = this.#random.chance(0.2) ? 64 : header.bytes
    const position = header.position + this.#random.integer(Math.min(within, header.bytes))
    disk.rot(path, position, this.#random.integer(8))
    this.#note(header.segmentId, header.position, groups.slice(at, at + 1), groups.slice(at))
  }

  /** In the records of one of the group's batches. */
  #flipUnseen(disk: FaultyDisk, path: string, bytes: Buffer, { entries }: ScannedGroup): void {
    const batches = entries.flatMap((entry) => (entry.kind === 'run' ? entry.batches : []))
    if (batches.length === 0) return
    const { position, bytes: length } = this.#random.pick(batches)
    const batch = Buffer.from(bytes.subarray(position, position + length))
    const at = this.#random.between(batchHeaderBytes, length - 1)
    batch[at]! ^= 1 << this.#random.integer(8)
    batch.writeUInt32BE(crc32c(batch.subarray(batchUncheckedBytes)), crcAt)
    for (const [i, byte] of batch.entries()) {
      const turned = byte ^ (bytes[position + i] as number)
      for (let bit = 0; bit < 8; bit++)
        if ((turned & (1 << bit)) !== 0) disk.rot(path, position + i, bit)
    }
  }

  #note(
    segment: number,
    position: number,
    own: readonly ScannedGroup[],
    behind: readonly ScannedGroup[]
  ): void {
    this.flips++
    this.#rotten.push({ segment, position, own: offsetsOf(own), behind: offsetsOf(behind) })
  }

  #noteTopics(groups: readonly ScannedGroup[]): void {
    for (const { entries } of groups)
      for (const entry of entries)
        if (entry.kind === 'description')
          this.#queues.set(entry.description.kafkaName, entry.description.queues)
  }

  /** Refuses what an open found damaged where nobody did damage; whether it lost what had been durable. */
  explain({ cut, damages }: Opened): boolean {
    // Where a footer is damaged, its segment also ends without one.
    const parts = damages.filter(({ fromPosition, toPosition }) => toPosition > fromPosition)
    const ends = new Set(parts.map(({ segment, toPosition }) => `${segment}:${toPosition}`))
    for (const { segment, fromPosition, toPosition, what } of damages) {
      const isEnd = fromPosition === toPosition && ends.has(`${segment}:${fromPosition}`)
      if (!isEnd && !this.#isRotten(segment, fromPosition))
        throw new Violation(`damage that nobody did: ${what} at ${segment}:${fromPosition}`)
    }
    const isCut = cut !== undefined && this.#isRotten(cut.segment, cut.position)
    if (isCut) this.#cut(cut)
    return isCut || damages.length > 0
  }

  /** Offsets of a topic's queue that may be missing. */
  lostOf(topic: string, queue: number): Set<number> {
    const uid = this.#queues.get(topic)?.[queue]
    const lost = new Set<number>()
    if (uid === undefined) return lost
    for (const { own } of this.#rotten) for (const offset of own.get(uid) ?? []) lost.add(offset)
    return lost
  }

  /** All that stood behind goes with it, and others will stand in its place. */
  #cut({ segment, position }: CutTail): void {
    this.#rotten = this.#rotten.map((one) =>
      one.segment === segment && one.position >= position ? { ...one, own: one.behind } : one
    )
  }

  #isRotten(segment: number, position: number): boolean {
    return this.#rotten.some((one) => one.segment === segment && one.position === position)
  }
}

/** The groups of a segment, as far as they can be read. */
async function groupsIn(bytes: Buffer): Promise<ScannedGroup[]> {
  const groups: ScannedGroup[] = []
  try {
    const header = decodeSegmentHeader(bytes)
    if (typeof header === 'string') return groups
    const options = {
      storeId: header.storeId,
      segmentId: header.segmentId,
      position: segmentHeaderBytes,
      durableThrough: Number.MAX_SAFE_INTEGER
    }
    const group = (one: ScannedGroup): void => {
      groups.push(one)
    }
    await scanSegment(new MemoryFile(bytes), options, { group })
  } catch {
    // Its head is damaged, or not written yet.
  }
  return groups
}

function offsetsOf(groups: readonly ScannedGroup[]): Map<number, number[]> {
  const offsets = new Map<number, number[]>()
  for (const { entries } of groups) {
    for (const entry of entries) {
      if (entry.kind !== 'run') continue
      const { queue, baseOffset, recordCount } = entry.run
      const known = offsets.get(queue) ?? []
      offsets.set(queue, known)
      for (let i = 0; i < recordCount; i++) known.push(baseOffset + i)
    }
  }
  return offsets
}
