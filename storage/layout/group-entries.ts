import { batchHeaderBytes, batchUncheckedBytes } from '../batch/record-batch.ts'
import { type BatchHead, readBatchHead } from './batch-head.ts'
import { crcOf } from './crc.ts'
import { decodeDescription } from './description.ts'
import { type EntryPrefix, entryHeadCrc, readEntryPrefix } from './entry.ts'
import type { FileWindow } from './file-window.ts'
import { entryFlags, entryKinds, entryPrefixBytes, groupHeaderBytes } from './format.ts'
import { LayoutError } from './layout-error.ts'
import { isPayloadSound } from './payloads.ts'
import { readRunHeader, type StoredRunHeader } from './run.ts'
import { decodeStateEntry } from './state-entry.ts'
import { decodeStretches, type Stretch } from './stretches.ts'
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
  | {
      readonly kind: 'stretches'
      readonly address: Address
      readonly stretches: readonly Stretch[]
    }
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
    let at = window.at(position, entryPrefixBytes)
    if (at < 0) at = await window.load(position, entryPrefixBytes)
    const prefix = readEntryPrefix(window.bytes, at)
    if (prefix === undefined || position + prefix.bytes > end) {
      return `entry ${index} does not fit into its group`
    }
    at = window.at(position, prefix.headBytes)
    if (at < 0) at = await window.load(position, prefix.headBytes)
    const address = { segment: group.segmentId, position }
    const read =
      prefix.kind === entryKinds.run
        ? readRun(window, at, address)
        : readWhole(window.bytes.subarray(at, at + prefix.headBytes), prefix, address)
    const entry = read instanceof Promise ? await read : read
    if (typeof entry === 'string') return `entry ${index}: ${entry}`
    for (const batch of entry.kind === 'run' ? doubtful(entry) : noBatches) {
      if (await isPayloadSound(window, batch)) continue
      return `entry ${index}: the batch at ${batch.position} does not match its checksum`
    }
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
  if (prefix.kind === entryKinds.stretches) {
    return { kind: 'stretches', address, stretches: decodeStretches(bytes) }
  }
  if (prefix.flags & entryFlags.mayBeSkipped) return { kind: 'unknown', address, code: prefix.kind }
  const place = `segment ${address.segment}, position ${address.position}`
  throw new LayoutError('unsupported', `entry kind ${prefix.kind} is not known (${place})`)
}

/** A run while the heads of its batches are read. */
interface RunReading {
  readonly stored: StoredRunHeader
  readonly address: Address
  readonly dataPosition: number
  readonly end: number
  readonly batches: BatchHead[]
  /** Of the next batch. */
  position: number
  crc: number
}

/** Most runs are in the window whole: of hundreds of thousands of small ones none waits for anything then. */
function readRun(
  window: FileWindow,
  at: number,
  address: Address
): ScannedRun | string | Promise<ScannedRun | string> {
  const stored = readRunHeader(window.bytes, at)
  if (stored === undefined) return 'the lengths in a run header contradict each other'
  const dataPosition = address.position + stored.headerBytes
  const reading: RunReading = {
    stored,
    address,
    dataPosition,
    end: dataPosition + stored.batchBytes,
    batches: [],
    position: dataPosition,
    crc: entryHeadCrc(window.bytes, at, stored.headerBytes)
  }
  return takeHeads(window, reading) ?? readRest(window, reading)
}

async function readRest(window: FileWindow, reading: RunReading): Promise<ScannedRun | string> {
  for (;;) {
    await window.load(reading.position, batchHeaderBytes)
    const run = takeHeads(window, reading)
    if (run !== undefined) return run
  }
}

/** Takes the heads that the window holds. The run, or what is wrong with it; undefined where the window ends before. */
function takeHeads(window: FileWindow, reading: RunReading): ScannedRun | string | undefined {
  const { stored, end, batches } = reading
  while (reading.position < end) {
    const { position } = reading
    if (position + batchHeaderBytes > end) return 'a batch does not fit into its run'
    const head = window.at(position, batchHeaderBytes)
    if (head < 0) return undefined
    reading.crc = crcOf(window.bytes, head, head + batchUncheckedBytes, reading.crc)
    const batch = readBatchHead(window.bytes, head, position)
    if (batch === undefined || position + batch.bytes > end) {
      return 'a batch does not fit into its run'
    }
    batches.push(batch)
    reading.position += batch.bytes
  }
  if (batches.length !== stored.batchCount) return 'the run has another number of batches'
  if (reading.crc !== stored.crc) return 'the run does not match its checksum'
  const { address, dataPosition } = reading
  const { headerBytes } = stored
  return { kind: 'run', address, run: withoutStorage(stored), headerBytes, dataPosition, batches }
}

const noBatches: readonly BatchHead[] = []

/**
 * Of most of a batch's header only the batch's own CRC knows whether it is as written, and that takes all its bytes:
 * it is looked at where the header is not what a run's batches mostly say, and must not be believed otherwise.
 */
function doubtful({ run, batches }: ScannedRun): readonly BatchHead[] {
  const found: BatchHead[] = []
  let due = run.baseOffset
  let count = 0
  for (const batch of batches) {
    const { baseOffset, lastOffsetDelta, recordCount } = batch
    const isDense = baseOffset === due && lastOffsetDelta === recordCount - 1
    if (!isDense || !isPlausible(batch)) found.push(batch)
    due = baseOffset + lastOffsetDelta + 1
    count += recordCount
  }
  return count === run.recordCount ? found : batches
}

function isPlausible({ producerId, producerEpoch, baseSequence }: BatchHead): boolean {
  return Number.isSafeInteger(producerId) && Math.min(producerId, producerEpoch, baseSequence) >= -1
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
