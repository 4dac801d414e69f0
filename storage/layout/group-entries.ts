import { batchHeaderBytes, batchUncheckedBytes } from '../batch/record-batch.ts'
import { type BatchHead, readBatchHead } from './batch-head.ts'
import { crcOf } from './crc.ts'
import { decodeDescription } from './description.ts'
import { type EntryPrefix, entryHeadCrc, readEntryPrefix } from './entry.ts'
import type { FileWindow } from './file-window.ts'
import { entryFlags, entryKinds, entryPrefixBytes, groupHeaderBytes } from './format.ts'
import { LayoutError } from './layout-error.ts'
import { readRunHeader, type StoredRunHeader } from './run.ts'
import { decodeStateEntry } from './state-entry.ts'
import type { Address, Description, GroupHeader, LoggedChange, RunHeader } from './types.ts'

export interface ScannedRun {
  readonly kind: 'run'
  /** Of the run's header. */
  readonly address: Address
  readonly run: RunHeader
  readonly headerBytes: number
  /** Of the first batch. */
  readonly dataPosition: number
  readonly batches: readonly BatchHead[]
}

export type GroupEntry =
  | ScannedRun
  | { readonly kind: 'state'; readonly address: Address; readonly changes: readonly LoggedChange[] }
  | { readonly kind: 'description'; readonly address: Address; readonly description: Description }
  /** Of a kind that this version does not know and may skip. */
  | { readonly kind: 'unknown'; readonly address: Address; readonly code: number }

/**
 * Reads all entries of a group and checks everything but the batches' records: the entries, or what is wrong with
 * them. Throws LayoutError for entries that are as they were written but not to be understood (a newer version's):
 * such a group is no damage and must never be cut.
 */
export async function readGroupEntries(
  window: FileWindow,
  group: GroupHeader
): Promise<readonly GroupEntry[] | string> {
  const entries: GroupEntry[] = []
  const end = group.position + group.bytes
  let position = group.position + groupHeaderBytes
  for (let index = 0; index < group.entryCount; index++) {
    if (position + entryPrefixBytes > end) return `entry ${index} does not fit into its group`
    let at = await window.load(position, entryPrefixBytes)
    const prefix = readEntryPrefix(window.bytes, at)
    if (prefix === undefined || position + prefix.bytes > end) {
      return `entry ${index} does not fit into its group`
    }
    at = await window.load(position, prefix.headBytes)
    const address = { segment: group.segmentId, position }
    const entry =
      prefix.kind === entryKinds.run
        ? await readRun(window, at, address)
        : readWhole(window.bytes.subarray(at, at + prefix.headBytes), prefix, address)
    if (typeof entry === 'string') return `entry ${index}: ${entry}`
    entries.push(entry)
    position += prefix.bytes
  }
  return position === end ? entries : 'the entries do not fill their group'
}

/** An entry that is all head. */
function readWhole(bytes: Buffer, prefix: EntryPrefix, address: Address): GroupEntry | string {
  if (entryHeadCrc(bytes, 0, bytes.length) !== prefix.crc) return 'it does not match its checksum'
  if (prefix.kind === entryKinds.state) {
    return { kind: 'state', address, changes: decodeStateEntry(bytes) }
  }
  if (prefix.kind === entryKinds.description) {
    return { kind: 'description', address, description: decodeDescription(bytes) }
  }
  if (prefix.flags & entryFlags.mayBeSkipped) return { kind: 'unknown', address, code: prefix.kind }
  const place = `segment ${address.segment}, position ${address.position}`
  throw new LayoutError('unsupported', `entry kind ${prefix.kind} is not known (${place})`)
}

async function readRun(
  window: FileWindow,
  at: number,
  address: Address
): Promise<ScannedRun | string> {
  const stored = readRunHeader(window.bytes, at)
  if (stored === undefined) return 'the lengths in a run header contradict each other'
  let crc = entryHeadCrc(window.bytes, at, stored.headerBytes)
  const dataPosition = address.position + stored.headerBytes
  const end = dataPosition + stored.batchBytes
  const batches: BatchHead[] = []
  let position = dataPosition
  while (position < end) {
    if (position + batchHeaderBytes > end) return 'a batch does not fit into its run'
    let head = window.at(position, batchHeaderBytes)
    if (head < 0) head = await window.load(position, batchHeaderBytes)
    crc = crcOf(window.bytes, head, head + batchUncheckedBytes, crc)
    const batch = readBatchHead(window.bytes, head, position)
    if (batch === undefined || position + batch.bytes > end) {
      return 'a batch does not fit into its run'
    }
    batches.push(batch)
    position += batch.bytes
  }
  if (batches.length !== stored.batchCount) return 'the run has another number of batches'
  if (crc !== stored.crc) return 'the run does not match its checksum'
  return {
    kind: 'run',
    address,
    run: withoutStorage(stored),
    headerBytes: stored.headerBytes,
    dataPosition,
    batches
  }
}

/** Field by field: a rest of all others costs several times as much, and recovery reads hundreds of thousands. */
function withoutStorage(stored: StoredRunHeader): RunHeader {
  return {
    flags: stored.flags,
    queue: stored.queue,
    baseOffset: stored.baseOffset,
    recordCount: stored.recordCount,
    batchCount: stored.batchCount,
    batchBytes: stored.batchBytes,
    appendTimeMs: stored.appendTimeMs,
    maxTimestamp: stored.maxTimestamp,
    resolves: stored.resolves,
    extensions: stored.extensions
  }
}
