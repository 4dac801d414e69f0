/** What a store writes to its disk: state entries, keys, descriptions, index blocks, snapshots, segments. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { batchUncheckedBytes } from '../../storage/batch/record-batch.ts'
import { decodeIndexBlock, encodeIndexBlock } from '../../storage/index-block.ts'
import { crcOf } from '../../storage/layout/crc.ts'
import { decodeDescription, encodeDescription } from '../../storage/layout/description.ts'
import { entryCrcAt, entryHeadCrc, readEntryPrefix } from '../../storage/layout/entry.ts'
import { FileWindow } from '../../storage/layout/file-window.ts'
import {
  entryKinds,
  entryPrefixBytes,
  groupHeaderBytes,
  groupMagic,
  segmentHeaderBytes
} from '../../storage/layout/format.ts'
import { LayoutError } from '../../storage/layout/layout-error.ts'
import { isPayloadSound } from '../../storage/layout/payloads.ts'
import { type ScannedGroup, scanSegment } from '../../storage/layout/scan.ts'
import { readSnapshot, snapshotFileName } from '../../storage/layout/snapshot.ts'
import {
  encodeChunkHeader,
  encodeSnapshotEnd,
  encodeSnapshotHeader,
  snapshotChunkHeaderBytes,
  snapshotEndBytes
} from '../../storage/layout/snapshot-parts.ts'
import { writeSnapshot } from '../../storage/layout/snapshot-write.ts'
import { decodeStateEntry, encodeStateEntry } from '../../storage/layout/state-entry.ts'
import { type RunEntry, RunList } from '../../storage/run-list.ts'
import { decodeKey, encodeKey } from '../../storage/state/codec.ts'
import type { StoredRow } from '../../storage/state/stored-rows.ts'
import { storedKeyOf } from '../../storage/state/stored-rows.ts'
import {
  makeDescription,
  makeRun,
  makeUnknown,
  SegmentImage,
  storeId
} from '../storage/layout/log-image.ts'
import { MemoryFile } from '../storage/layout/memory-file.ts'
import { MemoryFileSystem } from '../storage/layout/memory-file-system.ts'
import { storedRow } from '../storage/state/arbitrary-rows.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { FuzzTarget } from './fuzz.ts'

/** Always the same: a case's seed stands for its input. */
const rows: readonly StoredRow[] = fc.sample(storedRow, { numRuns: 150, seed: 1 })
const topicId = '00112233445566778899aabbccddeeff'

/** Undefined where the bytes are refused in the declared way. */
function orRefused<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof LayoutError) return undefined
    throw error
  }
}

/** What is read can be written, and is read as the same. */
function checkAgain<T>(input: Buffer, decode: (b: Buffer) => T, encode: (one: T) => Buffer) {
  const decoded = orRefused(() => decode(input))
  if (decoded === undefined) return false
  assert(isDeepStrictEqual(decode(encode(decoded)), decoded), 'it is read as another')
  return true
}

/** One entry that is all head, with the right lengths and CRC. */
function withEntryCrc(input: Buffer): Buffer {
  if (input.length < entryPrefixBytes) return input
  const bytes = Buffer.from(input)
  bytes.writeUInt32BE(bytes.length, 4)
  bytes.writeUInt32BE(bytes.length, 8)
  bytes.writeUInt32BE(entryHeadCrc(bytes, 0, bytes.length), entryCrcAt)
  return bytes
}

export const stateEntries: FuzzTarget = {
  name: 'state-entries',
  claim: 'an entry is changes, to be written and read again, or a LayoutError',
  seeds: () => [
    ...rows.map((entry) => encodeStateEntry([{ op: 'put', entry }])),
    encodeStateEntry(rows.slice(0, 20).map((row) => ({ op: 'delete', key: storedKeyOf(row) }))),
    encodeStateEntry([{ op: 'drop-topic', topicId }]),
    encodeStateEntry([])
  ],
  mend: withEntryCrc,
  check: (input) => checkAgain(input, decodeStateEntry, encodeStateEntry)
}

export const stateKeys: FuzzTarget = {
  name: 'state-keys',
  claim: 'bytes are a key, to be written and read again, or a LayoutError',
  seeds: () => rows.map((row) => encodeKey(storedKeyOf(row))),
  check: (input) => checkAgain(input, decodeKey, encodeKey)
}

const description = {
  topicId,
  kafkaName: 'topic.x',
  rocketmqName: 'topic|2Ex',
  queues: [1, 2, 3, 70_000]
}

export const descriptions: FuzzTarget = {
  name: 'descriptions',
  claim: 'an entry is a description, to be written and read again, or a LayoutError',
  seeds: () => [encodeDescription(description)],
  mend: withEntryCrc,
  check: (input) => checkAgain(input, decodeDescription, encodeDescription)
}

const runEntry: fc.Arbitrary<RunEntry> = fc.record({
  baseOffset: fc.nat(2 ** 20),
  nextOffset: fc.nat(2 ** 20),
  segment: fc.nat(9),
  position: fc.nat(2 ** 28),
  bytes: fc.nat(2 ** 20),
  appendTimeMs: fc.nat(2 ** 30),
  maxTimestamp: fc.integer({ min: -1, max: 2 ** 30 }),
  runningMax: fc.integer({ min: -1, max: 2 ** 30 }),
  flags: fc.nat(3)
})

function entriesOf(list: RunList): RunEntry[] {
  return Array.from({ length: list.length }, (_, i) => ({ ...list.at(i) }))
}

export const indexBlocks: FuzzTarget = {
  name: 'index-blocks',
  claim: 'a block is runs, to be written and read again, or a LayoutError',
  seeds: () =>
    fc
      .sample(fc.array(runEntry, { minLength: 1, maxLength: 20 }), { numRuns: 40, seed: 1 })
      .map((all) => {
        const list = new RunList()
        for (const one of all) list.push(one)
        return encodeIndexBlock(list, 0, list.length, list.nextOffset())
      }),
  check: (input) => {
    const block = orRefused(() => decodeIndexBlock(input))
    if (block === undefined) return false
    const { runs, end } = block
    const again = decodeIndexBlock(encodeIndexBlock(runs, 0, runs.length, end))
    const isSame = again.end === end && isDeepStrictEqual(entriesOf(again.runs), entriesOf(runs))
    assert(isSame, 'it is read as another')
    return true
  }
}

const snapshotHeader = {
  storeId,
  clusterId: 'abc',
  sequence: 42,
  address: { segment: 7, position: 5000 },
  appendTimeMs: 1_700_000_000_456
}
const snapshotStart = encodeSnapshotHeader(snapshotHeader)
const snapshotPath = `data/${snapshotFileName(snapshotHeader.sequence)}`

/** The chunk between header and end is made whole again, whatever rows are in it now. */
function withSnapshotCrcs(input: Buffer, random: SeededRandom): Buffer {
  const start = snapshotStart.bytes.length + snapshotChunkHeaderBytes
  if (input.length < start + snapshotEndBytes) return input
  const body = input.subarray(start, -snapshotEndBytes)
  const count = random.chance(0.9) ? input.readUInt32BE(snapshotStart.bytes.length + 8) : 1
  const chunk = encodeChunkHeader(body, count, snapshotStart.crc)
  const end = encodeSnapshotEnd(1, count, chunk.crc)
  return Buffer.concat([snapshotStart.bytes, chunk.bytes, body, end])
}

export const snapshots: FuzzTarget = {
  name: 'snapshots',
  claim: 'a file is a snapshot whose rows are given, or is refused with a reason and none is',
  seeds: async () => {
    const all: Buffer[] = []
    for (const some of [rows.slice(0, 3), rows.slice(3, 20), rows]) {
      const fileSystem = new MemoryFileSystem()
      await writeSnapshot(fileSystem, 'data', snapshotHeader, some)
      all.push(fileSystem.files.get(snapshotPath)?.bytes ?? Buffer.alloc(0))
    }
    return all
  },
  mend: withSnapshotCrcs,
  check: async (input) => {
    const fileSystem = new MemoryFileSystem()
    fileSystem.files.set(snapshotPath, new MemoryFile(input))
    const found: StoredRow[] = []
    const read = () => readSnapshot(fileSystem, snapshotPath, {}, (row) => void found.push(row))
    try {
      const result = await read()
      if ('why' in result) assert.equal(found.length, 0, 'a refused snapshot gave rows')
      return !('why' in result)
    } catch (error) {
      // Rows of a newer version, in a file that is as it was written.
      if (error instanceof LayoutError) return false
      throw error
    } finally {
      assert.equal(fileSystem.openFiles, 0)
    }
  }
}

/** Without the first block, which is the header's. */
function segmentSeeds(): Buffer[] {
  const text = (one: string) => Buffer.from(one)
  return [0, 1, 2].map((kind) => {
    const image = new SegmentImage()
    image.group([makeDescription(description), makeRun(1, [batchOf(0, text('a'))])])
    image.group([encodeStateEntry(rows.slice(0, 9).map((entry) => ({ op: 'put', entry })))])
    image.group([makeRun(2, [batchOf(0, text('bb')), batchOf(3, text('ccc'))])])
    if (kind > 0) image.group([makeUnknown(9, kind === 1 ? 1 : 0, text('from the future'))])
    image.group([makeRun(1, [batchOf(3, Buffer.alloc(300, 7))])])
    if (kind !== 2) image.footer()
    return image.bytes().subarray(segmentHeaderBytes)
  })
}

function batchOf(baseOffset: number, payload: Buffer) {
  return { baseOffset, recordCount: 3, payload }
}

/** Every group header says where it stands and how long it is, and every CRC fits. */
function withGroupCrcs(input: Buffer): Buffer {
  const bytes = Buffer.from(input)
  const starts: number[] = []
  for (let at = 0; at + groupHeaderBytes <= bytes.length; at++) {
    if (bytes.readUInt32BE(at) === groupMagic) starts.push(at)
  }
  for (const [i, at] of starts.entries()) {
    const end = starts[i + 1] ?? at + bytes.readUInt32BE(at + 4)
    if (end > bytes.length || end < at + groupHeaderBytes) continue
    bytes.writeUInt32BE(end - at, at + 4)
    bytes.writeBigInt64BE(BigInt(segmentHeaderBytes + at), at + 40)
    bytes.writeUInt32BE(crcOf(bytes, at, at + 72), at + 72)
    mendEntries(bytes, at + groupHeaderBytes, end)
  }
  return bytes
}

function mendEntries(bytes: Buffer, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const prefix = readEntryPrefix(bytes, at)
    if (prefix === undefined || at + prefix.bytes > end) return
    let crc = entryHeadCrc(bytes, at, prefix.headBytes)
    if (prefix.kind === entryKinds.run) {
      for (let head = at + prefix.headBytes; head + 61 <= at + prefix.bytes; ) {
        crc = crcOf(bytes, head, head + batchUncheckedBytes, crc)
        head += Math.max(12, bytes.readInt32BE(head + 8) + 12)
      }
    }
    bytes.writeUInt32BE(crc, at + entryCrcAt)
    at += prefix.bytes
  }
}

export const segments: FuzzTarget = {
  name: 'segments',
  claim: 'a scan gives whole groups in their order and says where it ended, or is a LayoutError',
  seeds: segmentSeeds,
  mend: withGroupCrcs,
  check: async (input) => {
    const bytes = Buffer.concat([Buffer.alloc(segmentHeaderBytes), input])
    const file = new MemoryFile(bytes)
    const groups: ScannedGroup[] = []
    const place = { storeId, segmentId: 1, position: segmentHeaderBytes }
    try {
      const end = await scanSegment(file, place, { group: (one) => void groups.push(one) })
      assert.equal(end.groupCount, groups.length)
      assert(end.position <= bytes.length, 'it ends behind the file')
      await assertInOrder(file, groups)
      return end.damages.length === 0 && end.torn === undefined
    } catch (error) {
      if (error instanceof LayoutError) return false
      throw error
    }
  }
}

async function assertInOrder(file: MemoryFile, groups: readonly ScannedGroup[]): Promise<void> {
  const window = new FileWindow(file, file.bytes.length)
  let position = segmentHeaderBytes
  let sequence = -1
  for (const { header, entries } of groups) {
    assert(header.position >= position && header.sequence > sequence, 'out of order')
    sequence = header.sequence
    position = header.position + header.bytes
    assert(position <= file.bytes.length, 'a group ends behind the file')
    assert.equal(entries.length, header.entryCount)
    for (const entry of entries) {
      if (entry.kind !== 'run') continue
      assert.equal(entry.batches.length, entry.run.batchCount)
      for (const batch of entry.batches) {
        assert(batch.position + batch.bytes <= position, 'a batch ends behind its group')
        await isPayloadSound(window, batch)
      }
    }
  }
}
