import { batchHeaderBytes } from '../../../storage/batch/record-batch.ts'
import { crcOf } from '../../../storage/layout/crc.ts'
import { encodeDescription } from '../../../storage/layout/description.ts'
import { groupHeaderBytes, segmentHeaderBytes } from '../../../storage/layout/format.ts'
import { writeGroupHeader } from '../../../storage/layout/group.ts'
import { runHeaderBytes, writeRunHeader } from '../../../storage/layout/run.ts'
import { encodeSegmentFooter, encodeSegmentHeader } from '../../../storage/layout/segment.ts'
import { encodeStateEntry } from '../../../storage/layout/state-entry.ts'
import type {
  Description,
  GroupHeader,
  LoggedChange,
  RunHeader
} from '../../../storage/layout/types.ts'

export const storeId = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')

export interface BatchSpec {
  baseOffset: number
  recordCount: number
  /** What stands in place of records. */
  payload: Buffer
}

/** A batch whose header and CRC are right. */
export function makeBatch(spec: BatchSpec): Buffer {
  const bytes = Buffer.alloc(batchHeaderBytes + spec.payload.length)
  bytes.writeBigInt64BE(BigInt(spec.baseOffset), 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt32BE(0, 12)
  bytes.writeUInt8(2, 16)
  bytes.writeInt32BE(spec.recordCount - 1, 23)
  bytes.writeBigInt64BE(1_700_000_000_000n, 27)
  bytes.writeBigInt64BE(1_700_000_000_001n, 35)
  bytes.writeBigInt64BE(-1n, 43)
  bytes.writeInt16BE(-1, 51)
  bytes.writeInt32BE(-1, 53)
  bytes.writeInt32BE(spec.recordCount, 57)
  spec.payload.copy(bytes, batchHeaderBytes)
  bytes.writeUInt32BE(crcOf(bytes, 21, bytes.length), 17)
  return bytes
}

/** A whole run entry of such batches. */
export function makeRun(
  queue: number,
  batches: readonly BatchSpec[],
  header: Partial<RunHeader> = {}
): Buffer {
  const encoded = batches.map(makeBatch)
  const run: RunHeader = {
    flags: 0,
    queue,
    baseOffset: batches[0]?.baseOffset ?? 0,
    recordCount: batches.reduce((sum, batch) => sum + batch.recordCount, 0),
    batchCount: batches.length,
    batchBytes: encoded.reduce((sum, batch) => sum + batch.length, 0),
    appendTimeMs: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_001,
    resolves: [],
    extensions: [],
    ...header
  }
  const bytes = Buffer.alloc(runHeaderBytes(run))
  writeRunHeader(bytes, 0, run, encoded)
  return Buffer.concat([bytes, ...encoded])
}

export const makeState = (changes: readonly LoggedChange[]): Buffer => encodeStateEntry(changes)

export const makeDescription = (description: Description): Buffer => encodeDescription(description)

/** An entry of a kind nobody knows. */
export function makeUnknown(kind: number, flags: number, body: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(16), body])
  bytes.writeUInt8(kind, 0)
  bytes.writeUInt8(flags, 1)
  bytes.writeUInt32BE(bytes.length, 4)
  bytes.writeUInt32BE(bytes.length, 8)
  bytes.writeUInt32BE(crcOf(bytes, 16, bytes.length, crcOf(bytes, 0, 12)), 12)
  return bytes
}

/** Builds a segment group by group; what it says is right unless a test says otherwise. */
export class SegmentImage {
  readonly segmentId: number
  readonly groups: GroupHeader[] = []
  readonly #parts: Buffer[]
  #length: number
  #nextSequence: number

  constructor(segmentId = 1, firstSequence = 1, incompatible = 0) {
    this.segmentId = segmentId
    this.#nextSequence = firstSequence
    const header = encodeSegmentHeader({
      formatVersion: 1,
      compatible: 0,
      incompatible,
      storeId,
      segmentId,
      createdMs: 1_700_000_000_000
    })
    this.#parts = [header]
    this.#length = segmentHeaderBytes
  }

  get length(): number {
    return this.#length
  }

  get nextSequence(): number {
    return this.#nextSequence
  }

  /** Adds a group; by default as a synchronous store would: the one before it is durable. */
  group(entries: readonly Buffer[], header: Partial<GroupHeader> = {}): GroupHeader {
    const bytes = entries.reduce((sum, entry) => sum + entry.length, groupHeaderBytes)
    const group: GroupHeader = {
      sequence: this.#nextSequence,
      segmentId: this.segmentId,
      position: this.#length,
      bytes,
      entryCount: entries.length,
      appendTimeMs: 1_700_000_000_000,
      durableThrough: this.#nextSequence - 1,
      ...header
    }
    const target = Buffer.alloc(groupHeaderBytes)
    writeGroupHeader(target, 0, group, storeId)
    this.raw(Buffer.concat([target, ...entries]))
    this.groups.push(group)
    this.#nextSequence = group.sequence + 1
    return group
  }

  footer(lastSequence = this.#nextSequence - 1): void {
    const footer = {
      segmentId: this.segmentId,
      position: this.#length,
      lastSequence,
      groupCount: this.groups.length,
      nextSegmentId: this.segmentId + 1
    }
    this.raw(encodeSegmentFooter(footer, storeId))
  }

  raw(bytes: Buffer): void {
    this.#parts.push(bytes)
    this.#length += bytes.length
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}
