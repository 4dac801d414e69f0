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
      () => file.truncate(position)
    )
    this.#segment.lastGroupPosition = position
    this.#segment.position += bytes
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

  close(): Promise<void> {
    return this.#segment.file.close()
  }
}
