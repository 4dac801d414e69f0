/**
 * Copies runs as they are into a segment of their own: what the cleaner makes of segments that are mostly dead. Such a
 * segment is marked in its header; its groups count for themselves from 1 and hold descriptions and runs only.
 */
import type { Catalog } from './catalog.ts'
import type { QueueUid } from './contract.ts'
import { encodeDescription } from './layout/description.ts'
import { groupHeaderBytes, incompatibleFeatures, segmentHeaderBytes } from './layout/format.ts'
import { writeGroupHeader } from './layout/group.ts'
import type { ScannedRun } from './layout/group-entries.ts'
import { type ScannedGroup, type ScanSink, scanSegment } from './layout/scan.ts'
import { encodeSegmentFooter, segmentFileName } from './layout/segment.ts'
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

/** Reads the runs of a sealed segment; false if it is damaged. Rejects with what the file system rejects with. */
export async function scanRuns(
  { fileSystem, folder, storeId }: RunSource,
  segmentId: number,
  take: (run: PlacedRun) => void
): Promise<boolean> {
  const sink: ScanSink = {
    group({ entries }: ScannedGroup) {
      for (const entry of entries) {
        const placed = entry.kind === 'run' ? placedRunOf(entry) : undefined
        if (placed !== undefined) take(placed)
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

export interface Copied {
  /** The runs where they stand now. */
  readonly runs: readonly PlacedRun[]
  /** Header and groups. */
  readonly dataBytes: number
}

export interface CopyOptions {
  readonly catalog: Catalog
  readonly id: number
  readonly createdMs: number
  /** Called after so many bytes were written. */
  readonly pace: (bytes: number) => Promise<void>
}

/** Writes the segment, durable with its name. Rejects with what the file system rejects with. */
export async function copyRuns(
  source: RunSource,
  runs: readonly PlacedRun[],
  { catalog, id, createdMs, pace }: CopyOptions
): Promise<Copied> {
  const { fileSystem, folder, storeId } = source
  const features = incompatibleFeatures.copied
  const file = await createSegment(fileSystem, folder, storeId, id, createdMs, features)
  const copy = new SegmentCopy(source, file, catalog, id)
  try {
    for (let from = 0; from < runs.length; ) {
      const to = groupEnd(runs, from)
      await pace(await copy.group(runs.slice(from, to)))
      from = to
    }
    return await copy.finish()
  } finally {
    await copy.close()
  }
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

class SegmentCopy {
  readonly #source: RunSource
  readonly #file: File
  readonly #catalog: Catalog
  readonly #id: number
  readonly #sources = new Map<number, File>()
  readonly #described = new Set<string>()
  readonly #copied: PlacedRun[] = []
  #position = segmentHeaderBytes
  #sequence = 0
  #appendTimeMs = 0

  constructor(source: RunSource, file: File, catalog: Catalog, id: number) {
    this.#source = source
    this.#file = file
    this.#catalog = catalog
    this.#id = id
  }

  /** Writes one group; returns its bytes. */
  async group(wanted: readonly PlacedRun[]): Promise<number> {
    // Their topics may have been deleted meanwhile.
    const runs = wanted.filter(({ queue }) => this.#catalog.topics.find({ queue }) !== undefined)
    if (runs.length === 0) return 0
    const header = Buffer.alloc(groupHeaderBytes)
    const entries: Buffer[] = runs.flatMap((run) => this.#describe(run.queue))
    let at = groupHeaderBytes + entries.reduce((sum, entry) => sum + entry.length, 0)
    for (const run of runs) {
      const entry = await this.#read(run)
      entries.push(entry)
      this.#copied.push({ ...run, segment: this.#id, entryPosition: this.#position + at })
      at += entry.length
      this.#appendTimeMs = Math.max(this.#appendTimeMs, run.appendTimeMs)
    }
    const sequence = ++this.#sequence
    const group = {
      sequence,
      segmentId: this.#id,
      position: this.#position,
      bytes: at,
      entryCount: entries.length,
      appendTimeMs: this.#appendTimeMs,
      durableThrough: sequence - 1
    }
    writeGroupHeader(header, 0, group, this.#source.storeId)
    await this.#file.writev([header, ...entries], this.#position)
    this.#position += at
    return at
  }

  async finish(): Promise<Copied> {
    const footer = {
      segmentId: this.#id,
      position: this.#position,
      lastSequence: this.#sequence,
      groupCount: this.#sequence,
      nextSegmentId: 0
    }
    await this.#file.sync()
    await this.#file.writev([encodeSegmentFooter(footer, this.#source.storeId)], this.#position)
    await this.#file.sync()
    return { runs: this.#copied, dataBytes: this.#position }
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
    const topic = this.#catalog.topics.find({ queue })
    if (topic === undefined || this.#described.has(topic.id)) return []
    this.#described.add(topic.id)
    const { kafka: kafkaName, rocketmq: rocketmqName } = topic.names
    return [encodeDescription({ topicId: topic.id, kafkaName, rocketmqName, queues: topic.queues })]
  }
}
