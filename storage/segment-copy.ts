/**
 * Writes what is left of segments into a segment of their own: runs as they are, or what compaction leaves of them.
 * Such a segment is marked in its header; its groups count for themselves from 1 and hold stretches, descriptions and
 * runs only.
 */
import type { Catalog } from './catalog.ts'
import type { QueueUid } from './contract.ts'
import { encodeDescription } from './layout/description.ts'
import { groupHeaderBytes, incompatibleFeatures, segmentHeaderBytes } from './layout/format.ts'
import { writeGroupHeader } from './layout/group.ts'
import type { ScannedRun } from './layout/group-entries.ts'
import { type ScannedGroup, type ScanSink, scanSegment } from './layout/scan.ts'
import { encodeSegmentFooter, segmentFileName } from './layout/segment.ts'
import { encodeStretches, type Stretch } from './layout/stretches.ts'
import { createSegment } from './log.ts'
import type { File, FileSystem } from './ports.ts'

/** A group of copied runs takes so many bytes, at least one run. */
const groupBytesMax = 1024 * 1024

/** A run, where it stands, and what the index has to know of it. */
export interface PlacedRun {
  readonly queue: QueueUid
  readonly baseOffset: number
  readonly nextOffset: number
  readonly segment: number
  /** Of its header. */
  readonly entryPosition: number
  readonly headerBytes: number
  /** Of its batches. */
  readonly bytes: number
  readonly appendTimeMs: number
  readonly maxTimestamp: number
  readonly flags: number
}

/** What a scanned run is to the index; undefined for one without batches. */
export function placedRunOf({
  run,
  address,
  headerBytes,
  batches
}: ScannedRun): PlacedRun | undefined {
  const last = batches.at(-1)
  if (last === undefined) return undefined
  return {
    queue: run.queue,
    baseOffset: run.baseOffset,
    nextOffset: last.baseOffset + last.lastOffsetDelta + 1,
    segment: address.segment,
    entryPosition: address.position,
    headerBytes,
    bytes: run.batchBytes,
    appendTimeMs: run.appendTimeMs,
    maxTimestamp: run.maxTimestamp,
    flags: run.flags
  }
}

export interface RunSource {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly storeId: Buffer
}

/** Gets what a segment holds; of a copy the stretches come first. */
export interface RunSink {
  readonly run: (run: PlacedRun) => void | Promise<void>
  readonly stretch?: (stretch: Stretch) => void
}

/** Reads the runs of a sealed segment; false if it is damaged. Rejects with what file system and sink reject with. */
export async function scanRuns(
  { fileSystem, folder, storeId }: RunSource,
  segmentId: number,
  { run: take, stretch: cover }: RunSink
): Promise<boolean> {
  const sink: ScanSink = {
    async group({ entries }: ScannedGroup) {
      for (const entry of entries) {
        if (entry.kind === 'stretches' && cover !== undefined) entry.stretches.forEach(cover)
        const placed = entry.kind === 'run' ? placedRunOf(entry) : undefined
        const taken = placed && take(placed)
        if (taken !== undefined) await taken
      }
    }
  }
  const file = await fileSystem.open(`${folder}/${segmentFileName(segmentId)}`, 'read')
  try {
    const durableThrough = Number.MAX_SAFE_INTEGER
    const place = { storeId, segmentId, position: segmentHeaderBytes, durableThrough }
    const { damages, footer } = await scanSegment(file, place, sink)
    return damages.length === 0 && footer !== undefined
  } finally {
    await file.close()
  }
}

/** What becomes of a run where it is not copied as it is. */
export interface RunFilter {
  /** Others are copied as they are. */
  readonly concerns: (run: PlacedRun) => boolean
  /**
   * `entry`: header and batches, which must not be written to. Undefined: nothing is left of it. Rejects where that
   * cannot be told.
   */
  readonly apply: (run: PlacedRun, entry: Buffer) => Promise<FilteredRun | undefined>
}

/** What is left of a run, and what the index has to know of it. */
export interface FilteredRun
  extends Omit<PlacedRun, 'queue' | 'segment' | 'entryPosition' | 'appendTimeMs' | 'flags'> {
  readonly entry: Buffer
}

export interface CopyOptions {
  readonly catalog: Catalog
  readonly id: number
  readonly createdMs: number
  readonly filter?: RunFilter | undefined
  /** Called after so many bytes were written. */
  readonly pace: (bytes: number) => Promise<void>
  /** Told of each run where it stands now. */
  readonly onRun: (run: PlacedRun) => void
}

/** Makes the segment, to be filled, finished and closed. All of it rejects with what the file system rejects with. */
export async function beginCopy(source: RunSource, options: CopyOptions): Promise<SegmentCopy> {
  const { fileSystem, folder, storeId } = source
  const { id, createdMs } = options
  const features = incompatibleFeatures.copied
  const file = await createSegment(fileSystem, folder, storeId, id, createdMs, features)
  return new SegmentCopy(source, file, options)
}

function groupEnd(runs: readonly PlacedRun[], from: number): number {
  let bytes = 0
  let to = from
  while (to < runs.length && (to === from || bytes < groupBytesMax)) {
    bytes += (runs[to] as PlacedRun).bytes
    to++
  }
  return to
}

export class SegmentCopy {
  readonly #source: RunSource
  readonly #file: File
  readonly #options: CopyOptions
  readonly #sources = new Map<number, File>()
  readonly #described = new Set<string>()
  #position = segmentHeaderBytes
  #sequence = 0
  #appendTimeMs = 0

  constructor(source: RunSource, file: File, options: CopyOptions) {
    this.#source = source
    this.#file = file
    this.#options = options
  }

  /** Before any run: what of the sources' offsets it stands for, where some are in no run. */
  async stretches(stretches: readonly Stretch[]): Promise<void> {
    if (stretches.length > 0) await this.#write([encodeStretches(stretches)])
  }

  /** `runs`: ascending by queue and offset, all calls together. */
  async runs(runs: readonly PlacedRun[]): Promise<void> {
    for (let from = 0; from < runs.length; ) {
      const to = groupEnd(runs, from)
      await this.#options.pace(await this.#group(runs.slice(from, to)))
      from = to
    }
  }

  /** Writes one group; returns how many bytes were read or written, whichever is more. */
  async #group(wanted: readonly PlacedRun[]): Promise<number> {
    const { catalog, id, onRun } = this.#options
    // Their topics may have been deleted meanwhile.
    const runs = wanted.filter(({ queue }) => catalog.topics.find({ queue }) !== undefined)
    const entries: Buffer[] = []
    const left: PlacedRun[] = []
    let at = this.#position + groupHeaderBytes
    let readBytes = 0
    const push = (entry: Buffer): void => {
      entries.push(entry)
      at += entry.length
    }
    for (const run of runs) {
      const filtered = await this.#filtered(run)
      readBytes += run.bytes
      if (filtered === undefined) continue
      for (const description of this.#describe(run.queue)) push(description)
      const { entry, ...place } = filtered
      left.push({ ...run, ...place, segment: id, entryPosition: at })
      push(entry)
      this.#appendTimeMs = Math.max(this.#appendTimeMs, run.appendTimeMs)
    }
    if (left.length === 0) return readBytes
    const bytes = await this.#write(entries)
    for (const run of left) onRun(run)
    return Math.max(readBytes, bytes)
  }

  async #filtered(run: PlacedRun): Promise<FilteredRun | undefined> {
    const { filter } = this.#options
    const entry = await this.#read(run)
    return filter?.concerns(run) ? await filter.apply(run, entry) : { ...run, entry }
  }

  /** Returns the group's bytes. */
  async #write(entries: readonly Buffer[]): Promise<number> {
    const bytes = entries.reduce((sum, entry) => sum + entry.length, groupHeaderBytes)
    const header = Buffer.alloc(groupHeaderBytes)
    const sequence = ++this.#sequence
    const group = {
      sequence,
      segmentId: this.#options.id,
      position: this.#position,
      bytes,
      entryCount: entries.length,
      appendTimeMs: this.#appendTimeMs,
      durableThrough: sequence - 1
    }
    writeGroupHeader(header, 0, group, this.#source.storeId)
    await this.#file.writev([header, ...entries], this.#position)
    this.#position += bytes
    return bytes
  }

  /** Makes it durable; returns the bytes of header and groups. */
  async finish(): Promise<number> {
    const footer = {
      segmentId: this.#options.id,
      position: this.#position,
      lastSequence: this.#sequence,
      groupCount: this.#sequence,
      nextSegmentId: 0
    }
    await this.#file.sync()
    await this.#file.writev([encodeSegmentFooter(footer, this.#source.storeId)], this.#position)
    await this.#file.sync()
    return this.#position
  }

  async close(): Promise<void> {
    for (const file of [...this.#sources.values(), this.#file])
      await file.close().catch(() => undefined)
  }

  async #read({ segment, entryPosition, headerBytes, bytes }: PlacedRun): Promise<Buffer> {
    let file = this.#sources.get(segment)
    if (file === undefined) {
      const { fileSystem, folder } = this.#source
      file = await fileSystem.open(`${folder}/${segmentFileName(segment)}`, 'read')
      this.#sources.set(segment, file)
    }
    const target = Buffer.allocUnsafe(headerBytes + bytes)
    const got = await file.read(target, 0, target.length, entryPosition)
    if (got !== target.length) throw new Error(`segment ${segment} ends within a run`)
    return target
  }

  /** The description of the queue's topic, where the segment has none yet. */
  #describe(queue: QueueUid): Buffer[] {
    const topic = this.#options.catalog.topics.find({ queue })
    if (topic === undefined || this.#described.has(topic.id)) return []
    this.#described.add(topic.id)
    const { kafka: kafkaName, rocketmq: rocketmqName } = topic.names
    return [encodeDescription({ topicId: topic.id, kafkaName, rocketmqName, queues: topic.queues })]
  }
}
