import assert from 'node:assert/strict'
import type { File, FileSystem } from '../ports.ts'
import { writeRow } from '../state/codec.ts'
import { familyCodes } from '../state/families.ts'
import type { StoredFamily, StoredRow } from '../state/stored-rows.ts'
import { ByteWriter } from './byte-writer.ts'
import {
  encodeChunkHeader,
  encodeSnapshotEnd,
  encodeSnapshotHeader,
  type SnapshotHeader
} from './snapshot-parts.ts'

/** A chunk is closed before a row that would make it larger; a larger row has one of its own. */
const chunkBytesMax = 64 * 1024

const suffix = '.snapshot'
const temporarySuffix = '.snapshot.new'

/** `state-0000000000000042.snapshot`: names sort by sequence. */
export function snapshotFileName(sequence: number): string {
  assert(Number.isSafeInteger(sequence) && sequence >= 0, `not a sequence: ${sequence}`)
  return `state-${String(sequence).padStart(16, '0')}${suffix}`
}

export function parseSnapshotFileName(name: string): number | undefined {
  const digits = /^state-(\d{16})\.snapshot$/.exec(name)?.[1]
  const sequence = Number(digits)
  return Number.isSafeInteger(sequence) ? sequence : undefined
}

/** Left behind by a writer that did not finish. */
export function isUnfinishedSnapshot(name: string): boolean {
  return name.startsWith('state-') && name.endsWith(temporarySuffix)
}

/** A row in its bytes, which are the same in LevelDB (state/codec.ts). */
export interface EncodedRow {
  readonly family: StoredFamily
  readonly encoded: Buffer
}

type SnapshotRows = Iterable<StoredRow | EncodedRow> | AsyncIterable<StoredRow | EncodedRow>

export interface SnapshotInfo {
  readonly name: string
  readonly bytes: number
  readonly rowCount: number
}

/**
 * Writes a snapshot and makes it durable: under a temporary name, fsync, rename, fsync of the folder. Until the
 * rename nothing of it counts. Rejects with what the file system or `rows` throws; the temporary file may stay.
 */
export async function writeSnapshot(
  fileSystem: FileSystem,
  folder: string,
  header: SnapshotHeader,
  rows: SnapshotRows
): Promise<SnapshotInfo> {
  const name = snapshotFileName(header.sequence)
  const temporary = `${folder}/${name.slice(0, -suffix.length)}${temporarySuffix}`
  await removeIfThere(fileSystem, temporary)
  const file = await fileSystem.open(temporary, 'create')
  let written: Omit<SnapshotInfo, 'name'>
  try {
    written = await writeParts(file, header, rows)
    await file.sync()
  } finally {
    await file.close()
  }
  await fileSystem.rename(temporary, `${folder}/${name}`)
  await fileSystem.syncFolder(folder)
  return { name, ...written }
}

async function writeParts(
  file: File,
  header: SnapshotHeader,
  rows: SnapshotRows
): Promise<Omit<SnapshotInfo, 'name'>> {
  const start = encodeSnapshotHeader(header)
  await file.writev([start.bytes], 0)
  const chunks = new ChunkWriter(file, start.bytes.length, start.crc)
  const row = new ByteWriter()
  for await (const entry of rows) {
    if ('encoded' in entry) {
      await chunks.add(familyCodes[entry.family], entry.encoded)
      continue
    }
    row.clear()
    writeRow(row, entry)
    await chunks.add(familyCodes[entry.family], row.view())
  }
  return chunks.finish()
}

class ChunkWriter {
  readonly #file: File
  readonly #body = new ByteWriter(chunkBytesMax)
  #position: number
  #crc: number
  #rowsInChunk = 0
  #rowCount = 0
  #chunkCount = 0

  constructor(file: File, position: number, crc: number) {
    this.#file = file
    this.#position = position
    this.#crc = crc
  }

  async add(family: number, row: Buffer): Promise<void> {
    const framed = row.length + 9
    if (this.#rowsInChunk > 0 && this.#body.length + framed > chunkBytesMax) await this.#flush()
    this.#body.uint8(family)
    this.#body.varint(row.length)
    this.#body.bytes(row)
    this.#rowsInChunk += 1
  }

  async finish(): Promise<Omit<SnapshotInfo, 'name'>> {
    if (this.#rowsInChunk > 0) await this.#flush()
    const end = encodeSnapshotEnd(this.#chunkCount, this.#rowCount, this.#crc)
    await this.#file.writev([end], this.#position)
    return { bytes: this.#position + end.length, rowCount: this.#rowCount }
  }

  async #flush(): Promise<void> {
    // Copied: a file may keep what it was given until the write is done, and the body is filled again at once.
    const body = this.#body.take()
    const head = encodeChunkHeader(body, this.#rowsInChunk, this.#crc)
    await this.#file.writev([head.bytes, body], this.#position)
    this.#position += head.bytes.length + body.length
    this.#crc = head.crc
    this.#rowCount += this.#rowsInChunk
    this.#chunkCount += 1
    this.#rowsInChunk = 0
    this.#body.clear()
  }
}

export async function removeIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
