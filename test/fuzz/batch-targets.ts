/** Record batches, and what is compressed in them. */
import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { crc32c } from '@node-rs/crc32'
import { codecOf } from '../../storage/batch/attributes.ts'
import { deflateSync, inflate } from '../../storage/batch/compression.ts'
import { CompressionError } from '../../storage/batch/compression-limits.ts'
import { encodeBatch } from '../../storage/batch/encode-batch.ts'
import {
  batchFaultCodes,
  isBatchFault,
  parseBatch,
  parseBatches,
  storedBatch
} from '../../storage/batch/parse-batch.ts'
import { batchHeaderBytes, type RecordBatch } from '../../storage/batch/record-batch.ts'
import { recordAt, records } from '../../storage/batch/records.ts'
import { decodeBatches } from '../crash/raw-bytes.ts'
import { fixture } from '../support/fixtures.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { FuzzTarget } from './fuzz.ts'

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const captured = ['java', 'librdkafka', 'java-large', 'librdkafka-large'].flatMap((client) =>
  codecNames.flatMap((codec) => {
    const isThere = codec !== 'none' || !client.endsWith('large')
    return isThere ? [fixture(`kafka/batch-${client}-${codec}`)] : []
  })
)

/** The length and the CRC of a batch that has both, made right; at times only the CRC. */
export function withLengthAndCrc(input: Buffer, random: SeededRandom): Buffer {
  if (input.length < batchHeaderBytes) return input
  const bytes = Buffer.from(input)
  if (random.chance(0.9)) bytes.writeInt32BE(bytes.length - 12, 8)
  if (random.chance(0.9)) bytes[16] = 2
  // Of a producer that is not idempotent, from offset 0.
  if (random.chance(0.5)) bytes.fill(0, 0, 8)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

const someRecords = [
  { timestamp: 1, key: Buffer.from('k'), value: Buffer.from('v') },
  { timestamp: 2, value: null, headers: [{ name: Buffer.from('n'), value: null }] }
]

export const recordBatches: FuzzTarget = {
  name: 'record-batches',
  claim: "a client's batch is taken only if CRC and structure hold, and its records are then read",
  seeds: () => [
    ...captured,
    encodeBatch(someRecords).bytes,
    encodeBatch(someRecords, { transactional: true, producerId: 5, producerEpoch: 0 }).bytes,
    Buffer.concat([encodeBatch(someRecords).bytes, encodeBatch(someRecords).bytes])
  ],
  mend: withLengthAndCrc,
  check: async (input) => {
    const copy = Buffer.from(input)
    const all = parseBatches(input)
    if (isBatchFault(all)) assert(batchFaultCodes.includes(all.fault))
    else for (const batch of all) await assertSound(batch)
    // What the log gave back may be what no client sends, and is read too, or refused.
    const stored = parseBatch(input, 0, storedBatch)
    if (!isBatchFault(stored)) await readOrCorrupt(stored)
    assert(input.equals(copy), 'the input was changed')
    return !isBatchFault(all)
  }
}

/** What was taken from a client holds by a reading of its own. */
async function assertSound(batch: RecordBatch): Promise<void> {
  const { bytes, recordCount, attributes } = batch
  assert.equal(bytes.readUInt32BE(17), crc32c(bytes.subarray(21)), 'the CRC does not match')
  assert.equal(bytes.length, bytes.readInt32BE(8) + 12)
  const read = await readOrCorrupt(batch)
  if (codecOf(attributes) !== 'none') return
  assert(read !== undefined, 'a batch that was taken cannot be read')
  const independent = decodeBatches(bytes)
  assert.deepEqual(
    read.map(({ offset, key, value }) => ({ offset, key, value })),
    independent.map(({ offset, key, value }) => ({ offset, key, value })),
    'another reader reads others'
  )
  assert.deepEqual(
    read.map(({ offset }) => offset),
    Array.from({ length: recordCount }, (_, i) => i)
  )
}

/** Undefined for records that are none. Of those that are, each is found by its offset. */
async function readOrCorrupt(batch: RecordBatch) {
  try {
    const all = await records(batch, inflatedMax)
    assert.equal(all.length, batch.recordCount)
    if (codecOf(batch.attributes) !== 'none') return all
    const block = batch.bytes.subarray(batchHeaderBytes)
    const last = all.at(-1)
    if (
      last !== undefined &&
      all.findIndex(({ offset }) => offset === last.offset) === all.length - 1
    )
      assert.equal(recordAt(batch, block, last.offset)?.offset, last.offset)
    return all
  } catch (error) {
    if (error instanceof CompressionError) return undefined
    throw error
  }
}

const inflatedMax = 1024 * 1024
const bombBytes = 24 * inflatedMax

/** One byte in front says the codec. Those that become far more than is allowed are among them. */
export const compressedBlocks: FuzzTarget = {
  name: 'compressed-blocks',
  claim: 'a compressed block is inflated up to the limit, or a CompressionError',
  seeds: () => {
    const bomb = Buffer.alloc(bombBytes)
    const bombs = (['gzip', 'lz4'] as const).map((codec) => {
      const deflated = codec === 'gzip' ? gzipSync(bomb, { level: 9 }) : deflateSync(codec, bomb)
      return coded(codec, deflated)
    })
    // Snappy shrinks to a twentieth at best.
    const snappy = coded('snappy', deflateSync('snappy', Buffer.alloc(2 * inflatedMax)))
    const blocks = captured.map((bytes) => {
      const codec = codecOf(bytes.readInt16BE(21)) ?? 'none'
      return coded(codec, bytes.subarray(batchHeaderBytes))
    })
    return [...blocks, ...bombs, snappy, coded('zstd', zstdBomb())]
  },
  check: async (input) => {
    if (input.length === 0) return false
    const codec = codecNames[input.readUInt8(0) % codecNames.length] ?? 'none'
    const block = input.subarray(1)
    try {
      const plain = await inflate(codec, block, inflatedMax)
      // What is not compressed was bounded by its frame.
      assert(codec === 'none' || plain.length <= inflatedMax, `${plain.length} bytes came out`)
      return true
    } catch (error) {
      if (error instanceof CompressionError) return false
      throw error
    }
  }
}

function coded(codec: (typeof codecNames)[number], block: Buffer): Buffer {
  return Buffer.concat([Buffer.from([codecNames.indexOf(codec)]), block])
}

/**
 * A zstd frame (RFC 8878) of 128 KiB blocks that each repeat one byte: 4 bytes a block. Written by hand, for not every
 * Node can.
 */
function zstdBomb(): Buffer {
  const blockBytes = 128 * 1024
  // Magic, a descriptor without content size or single segment, a window of 128 KiB (2^(10 + 7)).
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38])
  const length = bombBytes / blockBytes
  const blocks = Array.from({ length }, (_, i) => {
    const block = Buffer.alloc(4)
    const lastBit = i === length - 1 ? 1 : 0
    const repeated = 1 << 1
    block.writeUIntLE(lastBit | repeated | (blockBytes << 3), 0, 3)
    return block
  })
  return Buffer.concat([head, ...blocks])
}
