/** Writes the segment that takes a damaged one's place: marked as a copy, with descriptions and runs only. */
import type { Catalog } from '../catalog.ts'
import { encodeDescription } from '../layout/description.ts'
import { groupHeaderBytes, incompatibleFeatures, segmentHeaderBytes } from '../layout/format.ts'
import { writeGroupHeader } from '../layout/group.ts'
import { encodeSegmentFooter } from '../layout/segment.ts'
import { encodeStretches, type Stretch } from '../layout/stretches.ts'
import { createSegment } from '../log.ts'
import type { File, FileSystem } from '../ports.ts'
import type { PlacedRun } from '../segment-copy.ts'

/** A group takes so many bytes, at least one run. */
const groupBytesMax = 1024 * 1024

export interface CopyTarget {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly catalog: Catalog
  readonly id: number
  readonly createdMs: number
}

export class CopyWriter {
  readonly #target: CopyTarget
  readonly #file: File
  readonly #described = new Set<string>()
  #entries: Buffer[] = []
  #bytes = groupHeaderBytes
  #position = segmentHeaderBytes
  #sequence = 0
  #appendTimeMs = 0

  private constructor(target: CopyTarget, file: File) {
    this.#target = target
    this.#file = file
  }

  /** Makes the file, to be finished and closed. Rejects, like all of it, with what the file system rejects with. */
  static async begin(target: CopyTarget): Promise<CopyWriter> {
    const { fileSystem, folder, storeId, id, createdMs } = target
    const { copied } = incompatibleFeatures
    const file = await createSegment(fileSystem, folder, storeId, id, createdMs, copied)
    return new CopyWriter(target, file)
  }

  /** Before any run: what else the damaged segment stood for, if it was a copy itself. */
  async stretches(stretches: readonly Stretch[]): Promise<void> {
    if (stretches.length === 0) return
    this.#push(encodeStretches(stretches))
    await this.#flush()
  }

  /** Adds a run, whose whole entry is `entry`; returns where it stands. */
  async add(run: PlacedRun, entry: Buffer): Promise<PlacedRun> {
    if (this.#bytes + entry.length > groupBytesMax) await this.#flush()
    this.#describe(run)
    const entryPosition = this.#position + this.#bytes
    this.#push(entry)
    this.#appendTimeMs = Math.max(this.#appendTimeMs, run.appendTimeMs)
    return { ...run, segment: this.#target.id, entryPosition }
  }

  /** Makes it durable; returns the bytes of header and groups. */
  async finish(): Promise<number> {
    await this.#flush()
    await this.#file.sync()
    const { storeId, id: segmentId } = this.#target
    const footer = {
      segmentId,
      position: this.#position,
      lastSequence: this.#sequence,
      groupCount: this.#sequence,
      nextSegmentId: 0
    }
    await this.#file.writev([encodeSegmentFooter(footer, storeId)], this.#position)
    await this.#file.sync()
    return this.#position
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #describe({ queue }: PlacedRun): void {
    const topic = this.#target.catalog.topics.find({ queue })
    if (topic === undefined || this.#described.has(topic.id)) return
    this.#described.add(topic.id)
    const { kafka: kafkaName, rocketmq: rocketmqName } = topic.names
    const { id: topicId, queues } = topic
    this.#push(encodeDescription({ topicId, kafkaName, rocketmqName, queues }))
  }

  #push(entry: Buffer): void {
    this.#entries.push(entry)
    this.#bytes += entry.length
  }

  async #flush(): Promise<void> {
    if (this.#entries.length === 0) return
    const header = Buffer.alloc(groupHeaderBytes)
    const sequence = ++this.#sequence
    const group = {
      sequence,
      segmentId: this.#target.id,
      position: this.#position,
      bytes: this.#bytes,
      entryCount: this.#entries.length,
      appendTimeMs: this.#appendTimeMs,
      durableThrough: sequence - 1
    }
    writeGroupHeader(header, 0, group, this.#target.storeId)
    await this.#file.writev([header, ...this.#entries], this.#position)
    this.#position += this.#bytes
    this.#entries = []
    this.#bytes = groupHeaderBytes
  }
}
