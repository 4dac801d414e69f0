import type { File, FileSystem } from '../ports.ts'
import { decodeRow } from '../state/codec.ts'
import { familyOf } from '../state/families.ts'
import type { StoredRow } from '../state/stored-rows.ts'
import { ByteReader } from './byte-reader.ts'
import { crcOf } from './crc.ts'
import { FileWindow } from './file-window.ts'
import { snapshotChunkMagic } from './format.ts'
import { LayoutError } from './layout-error.ts'
import {
  decodeSnapshotHeader,
  isSnapshotEnd,
  type SnapshotHeader,
  snapshotChunkHeaderBytes,
  snapshotEndBytes,
  snapshotHeaderFixedBytes
} from './snapshot-parts.ts'
import { isUnfinishedSnapshot, parseSnapshotFileName, removeIfThere } from './snapshot-write.ts'

export type { SnapshotHeader } from './snapshot-parts.ts'
export {
  parseSnapshotFileName,
  type SnapshotInfo,
  snapshotFileName,
  writeSnapshot
} from './snapshot-write.ts'

/** How many snapshots that can be read `pruneSnapshots` leaves. */
export const snapshotsKept = 2

/** The largest header: its cluster id has a length of two bytes. */
const headerBytesMax = snapshotHeaderFixedBytes + 65535 + 4

export interface UnreadableSnapshot {
  readonly why: string
  /** Not damaged, but a newer version's. */
  readonly unsupported: boolean
}

export type SnapshotSink = (entry: StoredRow) => void | Promise<void>

/**
 * Reads a snapshot twice: every byte is checked before the first row is given to `sink`. Returns its header, or why
 * it was refused (then `sink` got nothing). `expected.storeId`: another store's is refused. Rejects with what the file
 * system or the sink rejects with.
 */
export async function readSnapshot(
  fileSystem: FileSystem,
  path: string,
  expected: { readonly storeId?: Buffer },
  sink: SnapshotSink
): Promise<SnapshotHeader | UnreadableSnapshot> {
  return withFile(fileSystem, path, async (file) => {
    const checked = await checkFile(file, expected.storeId, decodeAll)
    if ('why' in checked) return checked
    await forEachRow(file, checked.bytes, sink)
    return checked.header
  })
}

/** As `readSnapshot`, without giving the rows to anyone (they are decoded nevertheless). */
export function checkSnapshot(
  fileSystem: FileSystem,
  path: string,
  expected: { readonly storeId?: Buffer } = {}
): Promise<SnapshotHeader | UnreadableSnapshot> {
  return headerOf(fileSystem, path, expected, decodeAll)
}

function headerOf(
  fileSystem: FileSystem,
  path: string,
  { storeId }: { readonly storeId?: Buffer },
  visit: VisitChunk
): Promise<SnapshotHeader | UnreadableSnapshot> {
  return withFile(fileSystem, path, async (file) => {
    const checked = await checkFile(file, storeId, visit)
    return 'why' in checked ? checked : checked.header
  })
}

async function withFile<T>(
  fileSystem: FileSystem,
  path: string,
  use: (file: File) => Promise<T>
): Promise<T> {
  const file = await fileSystem.open(path, 'read')
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

type VisitChunk = (body: Buffer, rowCount: number) => void

/** Throws LayoutError for rows that cannot be read. */
function decodeAll(body: Buffer, rowCount: number): void {
  const rows = new ByteReader(body)
  for (let index = 0; index < rowCount; index++) readRow(rows)
  rows.done()
}

/** Its checksums alone say that a chunk is as it was written. */
function decodeNothing(): void {}

async function checkFile(file: File, storeId: Buffer | undefined, visit: VisitChunk) {
  const size = await file.size()
  const window = new FileWindow(file, size)
  const at = await window.load(0, Math.min(size, headerBytesMax))
  const start = decodeSnapshotHeader(window.bytes.subarray(at, at + Math.min(size, headerBytesMax)))
  if ('why' in start) return start
  if (storeId !== undefined && !storeId.equals(start.header.storeId)) {
    return { why: 'it belongs to another store', unsupported: false }
  }
  try {
    await walkChunks(window, size, start, visit)
    return start
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error
    return { why: error.message, unsupported: error.code === 'unsupported' }
  }
}

/** Checks the chain of CRCs from the header on; throws LayoutError where it breaks. */
async function walkChunks(
  window: FileWindow,
  size: number,
  start: { readonly bytes: number; readonly crc: number },
  visit: VisitChunk
): Promise<void> {
  let { crc, bytes: position } = start
  let rowCount = 0
  let chunkCount = 0
  for (; position + snapshotEndBytes < size; chunkCount++) {
    const at = await window.load(position, snapshotChunkHeaderBytes)
    if (window.bytes.readUInt32BE(at) !== snapshotChunkMagic) break
    const bodyBytes = window.bytes.readUInt32BE(at + 4)
    const rowsInChunk = window.bytes.readUInt32BE(at + 8)
    const stored = window.bytes.readUInt32BE(at + 12)
    crc = crcOf(window.bytes, at, at + 12, crc)
    const bodyAt = await window.load(position + snapshotChunkHeaderBytes, bodyBytes)
    crc = crcOf(window.bytes, bodyAt, bodyAt + bodyBytes, crc)
    if (crc !== stored) {
      throw new LayoutError(
        'malformed',
        `the chunk at byte ${position} does not match its checksum`
      )
    }
    visit(window.bytes.subarray(bodyAt, bodyAt + bodyBytes), rowsInChunk)
    rowCount += rowsInChunk
    position += snapshotChunkHeaderBytes + bodyBytes
  }
  const endAt = await window.load(position, snapshotEndBytes)
  const end = window.bytes.subarray(endAt, endAt + snapshotEndBytes)
  if (!isSnapshotEnd(end, chunkCount, rowCount, crc) || position + snapshotEndBytes !== size) {
    throw new LayoutError('malformed', `neither a chunk nor the end at byte ${position}`)
  }
}

/** The rows of a file that was checked: from after its header to its end. */
async function forEachRow(file: File, start: number, sink: SnapshotSink): Promise<void> {
  const end = (await file.size()) - snapshotEndBytes
  const window = new FileWindow(file, end)
  for (let position = start; position < end; ) {
    const at = await window.load(position, snapshotChunkHeaderBytes)
    const bodyBytes = window.bytes.readUInt32BE(at + 4)
    const bodyAt = await window.load(position + snapshotChunkHeaderBytes, bodyBytes)
    const rows = new ByteReader(window.bytes, bodyAt, bodyAt + bodyBytes)
    while (rows.left > 0) await sink(readRow(rows))
    position += snapshotChunkHeaderBytes + bodyBytes
  }
}

function readRow(reader: ByteReader): StoredRow {
  const family = familyOf(reader.uint8())
  return decodeRow(family, reader.bytes(reader.varint()))
}

export interface SnapshotName {
  readonly sequence: number
  readonly name: string
}

/** What lies in the folder under a snapshot's name, readable or not, newest first. */
export async function listSnapshots(
  fileSystem: FileSystem,
  folder: string
): Promise<readonly SnapshotName[]> {
  const found: SnapshotName[] = []
  for (const name of await fileSystem.list(folder)) {
    const sequence = parseSnapshotFileName(name)
    if (sequence !== undefined) found.push({ sequence, name })
  }
  return found.sort((a, b) => b.sequence - a.sequence)
}

export interface PruneOptions {
  readonly storeId?: Buffer
  /** Sequences of those that can be read, as is known: they are not looked into. */
  readonly known?: readonly number[]
}

/**
 * Keeps the newest two that can be read and whatever is newer than they, removes older ones and unfinished files.
 * Returns those two (or fewer), newest first: segments up to the last one's sequence are no longer needed for state.
 * That checksums match is enough here: the rows of a large state are decoded when they are needed.
 */
export async function pruneSnapshots(
  fileSystem: FileSystem,
  folder: string,
  options: PruneOptions = {}
): Promise<readonly SnapshotName[]> {
  const { known = [] } = options
  const isReadable = async ({ sequence, name }: SnapshotName): Promise<boolean> =>
    known.includes(sequence) ||
    !('why' in (await headerOf(fileSystem, `${folder}/${name}`, options, decodeNothing)))
  const readable: SnapshotName[] = []
  const removed: string[] = []
  for (const snapshot of await listSnapshots(fileSystem, folder)) {
    if (readable.length === snapshotsKept) removed.push(snapshot.name)
    else if (await isReadable(snapshot)) readable.push(snapshot)
  }
  removed.push(...(await fileSystem.list(folder)).filter(isUnfinishedSnapshot))
  for (const name of removed) await removeIfThere(fileSystem, `${folder}/${name}`)
  if (removed.length > 0) await fileSystem.syncFolder(folder)
  return readable
}
