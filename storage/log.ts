/** The log's end: the open segment, writing at its position, sealing it and beginning the next. */
import { DiskFullError, isNoSpace } from './disk-full-error.ts'
import { formatVersion, segmentFooterBytes, segmentHeaderBytes } from './layout/format.ts'
import { encodeSegmentFooter, encodeSegmentHeader, segmentFileName } from './layout/segment.ts'
import type { File, FileSystem } from './ports.ts'

export interface OpenSegment {
  readonly id: number
  readonly file: File
  /** Where the next group goes. */
  position: number
  /** Sequence of its first group. */
  readonly firstSequence: number
  /** Where the last group begins; -1 for none yet. */
  lastGroupPosition: number
  /** Topics that have their description in it, with the number of queues that it named. */
  readonly described: Map<string, number>
}

/**
 * Behind a small group that is written durably stand so many zeros, if they are there already: what goes over them
 * neither grows the file nor needs new blocks, so that its fsync does not wait for the file system's journal. The end of
 * a log may be followed by zeros (docs/storage-format.md).
 */
const zerosAhead = 256 * 1024
/** Of larger groups the journal is a small part, and zeros would be written in vain. */
const smallGroupBytesMax = 16 * 1024
const zeros = Buffer.alloc(zerosAhead)

export interface SealedSegment {
  readonly id: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly dataBytes: number
}

/**
 * Makes a segment's file, durable with its name, so that a footer may point to it. Rejects with DiskFullError where there
 * is no room for it; no file is left then.
 */
export async function createSegment(
  fileSystem: FileSystem,
  folder: string,
  storeId: Buffer,
  id: number,
  createdMs: number,
  incompatible = 0
): Promise<File> {
  const path = `${folder}/${segmentFileName(id)}`
  const file = await undoneIfFull(() => fileSystem.open(path, 'create'))
  const header = encodeSegmentHeader({
    formatVersion,
    compatible: 0,
    incompatible,
    storeId,
    segmentId: id,
    createdMs
  })
  await undoneIfFull(
    () => file.writev([header], 0),
    () => removeFile(fileSystem, path, file)
  )
  await file.sync()
  await fileSystem.syncFolder(folder)
  return file
}

async function removeFile(fileSystem: FileSystem, path: string, file: File): Promise<void> {
  await file.close()
  await fileSystem.unlink(path)
}

/** Does `write`; where the disk has no room for it, `undo` first. Rejects with DiskFullError only when that is done. */
async function undoneIfFull<T>(
  write: () => Promise<T>,
  undo: () => Promise<void> = async () => undefined
): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isNoSpace(error)) throw error
    await undo()
    throw new DiskFullError(error)
  }
}

export class Log {
  readonly #fileSystem: FileSystem
  readonly #folder: string
  readonly #storeId: Buffer
  readonly #segmentBytes: number
  #segment: OpenSegment
  /** Where the zeros end that stand behind the log's end; at or before it for none. */
  #zerosEnd = 0

  constructor(
    fileSystem: FileSystem,
    folder: string,
    storeId: Buffer,
    segmentBytes: number,
    segment: OpenSegment
  ) {
    this.#fileSystem = fileSystem
    this.#folder = folder
    this.#storeId = storeId
    this.#segmentBytes = segmentBytes
    this.#segment = segment
  }

  get segment(): OpenSegment {
    return this.#segment
  }

  /** Largest group that a fresh segment can take. */
  get groupBytesMax(): number {
    return this.#segmentBytes - segmentHeaderBytes - segmentFooterBytes
  }

  /** Whether a group of this size goes into the open segment. */
  fits(bytes: number): boolean {
    return this.#segment.position + bytes + segmentFooterBytes <= this.#segmentBytes
  }

  /**
   * Writes a group at the end; it is not durable before `sync`. Rejects with DiskFullError where there was no room for all
   * of it: the log ends where it did. After any other error nothing is known.
   */
  async write(buffers: readonly Buffer[], bytes: number): Promise<void> {
    const { file, position } = this.#segment
    await undoneIfFull(
      () => file.writev(buffers, position),
      () => this.#cut()
    )
    this.#went(bytes)
  }

  /** As `write`, and durable when it resolves. */
  async writeDurable(buffers: readonly Buffer[], bytes: number): Promise<void> {
    const { file, position } = this.#segment
    const end = position + bytes
    if (bytes <= smallGroupBytesMax && end > this.#zerosEnd) {
      const ahead = Math.min(zerosAhead, this.#segmentBytes - end)
      try {
        await file.writevDurable([...buffers, zeros.subarray(0, ahead)], position)
        this.#zerosEnd = end + ahead
        this.#went(bytes)
        return
      } catch (error) {
        // There may be room without them.
        if (!isNoSpace(error)) throw error
        await this.#cut()
      }
    }
    await undoneIfFull(
      () => file.writevDurable(buffers, position),
      () => this.#cut()
    )
    this.#went(bytes)
  }

  #went(bytes: number): void {
    this.#segment.lastGroupPosition = this.#segment.position
    this.#segment.position += bytes
  }

  /** Takes away what stands behind the log's end. */
  async #cut(): Promise<void> {
    await this.#segment.file.truncate(this.#segment.position)
    this.#zerosEnd = 0
  }

  sync(): Promise<void> {
    return this.#segment.file.datasync()
  }

  /**
   * Seals the open segment and goes on in a new one with id `nextId`. Everything written must be durable: the footer
   * says so. Returns what was sealed. Rejects with DiskFullError where there was no room: the log goes on in the old
   * one.
   */
  async roll(nextId: number, lastSequence: number, createdMs: number): Promise<SealedSegment> {
    const old = this.#segment
    // The footer is the last of a segment.
    if (this.#zerosEnd > old.position) await this.#cut()
    const file = await createSegment(
      this.#fileSystem,
      this.#folder,
      this.#storeId,
      nextId,
      createdMs
    )
    const footer = {
      segmentId: old.id,
      position: old.position,
      lastSequence,
      groupCount: lastSequence - old.firstSequence + 1,
      nextSegmentId: nextId
    }
    await undoneIfFull(
      () => old.file.writev([encodeSegmentFooter(footer, this.#storeId)], old.position),
      async () => {
        await old.file.truncate(old.position)
        await removeFile(this.#fileSystem, `${this.#folder}/${segmentFileName(nextId)}`, file)
      }
    )
    await old.file.sync()
    await old.file.close()
    this.#zerosEnd = 0
    this.#segment = {
      id: nextId,
      file,
      position: segmentHeaderBytes,
      firstSequence: lastSequence + 1,
      lastGroupPosition: -1,
      described: new Map()
    }
    const { id, firstSequence } = old
    return { id, firstSequence, lastSequence, dataBytes: old.position }
  }

  /** A failed disk may keep the zeros: an open takes them away too. */
  async close(): Promise<void> {
    if (this.#zerosEnd > this.#segment.position) await this.#cut().catch(() => undefined)
    await this.#segment.file.close()
  }
}
