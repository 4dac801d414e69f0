import { crc32c } from '@node-rs/crc32'
import t from 'tap'
import { encodeBatch } from '../../../storage/batch/encode-batch.ts'
import {
  type BatchChecks,
  type BatchFaultCode,
  clientBatch,
  isBatchFault,
  parseBatch,
  parseBatches,
  storedBatch
} from '../../../storage/batch/parse-batch.ts'
import type { RecordBatch } from '../../../storage/batch/record-batch.ts'
import { fixture } from '../../support/fixtures.ts'

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

function parsed(bytes: Buffer, checks: BatchChecks = clientBatch): RecordBatch {
  const batch = parseBatch(bytes, 0, checks)
  if (isBatchFault(batch)) throw new Error(`${batch.fault}: ${batch.text}`)
  return batch
}

/** The fixture with `edit` made and the CRC set right again: only the check in question can object. */
function edited(edit: (bytes: Buffer) => void): Buffer {
  const bytes = fixture('kafka/batch-java-none')
  edit(bytes)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

for (const [index, codec] of codecNames.entries()) {
  t.test(`a ${codec} batch of the Java producer is read field by field`, async (t) => {
    const bytes = fixture(`kafka/batch-java-${codec}`)
    const batch = parsed(bytes)
    t.match(batch, {
      attributes: index,
      lastOffsetDelta: 11,
      recordCount: 12,
      baseTimestamp: 1700000000000,
      maxTimestamp: 1700000000077,
      producerEpoch: 0,
      baseSequence: 0
    })
    t.ok(batch.producerId >= 0)
    t.equal(batch.bytes.buffer, bytes.buffer, 'a slice, not a copy')
  })

  t.test(`every truncation of librdkafka's ${codec} batch is refused`, async (t) => {
    const bytes = fixture(`kafka/batch-librdkafka-${codec}`)
    t.notOk(isBatchFault(parseBatch(bytes, 0)))
    for (let length = 0; length < bytes.length; length++) {
      const result = parseBatch(bytes.subarray(0, length), 0)
      const wanted: BatchFaultCode = length <= 16 ? 'too-short' : 'length'
      if (!isBatchFault(result) || result.fault !== wanted) t.fail(`${length} bytes were taken`)
    }
  })

  t.test(`every flipped bit that a ${codec} batch's CRC covers is found`, async (t) => {
    const bytes = fixture(`kafka/batch-java-${codec}`)
    for (let bit = 17 * 8; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const result = parseBatch(bytes, 0)
      if (!isBatchFault(result) || result.fault !== 'crc') t.fail(`bit ${bit} went unseen`)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    }
    t.notOk(isBatchFault(parseBatch(bytes, 0)))
  })
}

const faults: readonly (readonly [string, BatchFaultCode, (bytes: Buffer) => void])[] = [
  ['magic 1', 'magic', (b) => b.writeInt8(1, 16)],
  ['magic 3', 'magic', (b) => b.writeInt8(3, 16)],
  ['a length below the header', 'length', (b) => b.writeInt32BE(48, 8)],
  ['a negative length', 'length', (b) => b.writeInt32BE(-1, 8)],
  ['codec 5', 'codec', (b) => b.writeInt16BE(5, 21)],
  ['no records', 'count', (b) => b.writeInt32BE(0, 57)],
  ['a count below zero', 'count', (b) => b.writeInt32BE(-1, 57)],
  ['a last offset delta too small', 'offset-delta', (b) => b.writeInt32BE(10, 23)],
  ['a last offset delta too large', 'offset-delta', (b) => b.writeInt32BE(12, 23)],
  ['the control bit', 'control', (b) => b.writeInt16BE(0x20, 21)],
  ['the append time bit', 'timestamp', (b) => b.writeInt16BE(0x08, 21)],
  ['a timestamp of 2^63 - 1', 'timestamp', (b) => b.writeBigInt64BE(2n ** 63n - 1n, 35)],
  ['a base offset', 'base-offset', (b) => b.writeBigInt64BE(1n, 0)],
  ['a large base offset', 'base-offset', (b) => b.writeBigInt64BE(1n << 40n, 0)],
  ['a producer id without a sequence', 'sequence', (b) => b.writeInt32BE(-1, 53)],
  ['a producer id without an epoch', 'sequence', (b) => b.writeInt16BE(-1, 51)],
  ['a producer id of 2^62', 'sequence', (b) => b.writeBigInt64BE(2n ** 62n, 43)],
  ['a record length too small', 'records', (b) => b.writeUInt8(b[61]! - 2, 61)],
  ['a record length too large', 'records', (b) => b.writeUInt8(b[61]! + 2, 61)],
  ['a negative record length', 'records', (b) => b.writeUInt8(1, 61)],
  ['a wrong offset delta', 'records', (b) => b.writeUInt8(4, 64)],
  ['a key beyond the record', 'records', (b) => b.writeUInt8(0x7e, 65)],
  ['a key length of -2', 'records', (b) => b.writeUInt8(3, 65)],
  ['one record more than there is', 'records', (b) => setCount(b, 13)],
  ['one record less than there is', 'records', (b) => setCount(b, 11)]
]

function setCount(bytes: Buffer, count: number): void {
  bytes.writeInt32BE(count, 57)
  bytes.writeInt32BE(count - 1, 23)
}

for (const [what, code, edit] of faults) {
  t.test(`a client's batch with ${what} is refused as '${code}'`, async (t) => {
    t.match(parseBatch(edited(edit), 0), { fault: code, start: 0 })
  })
}

t.test('what only a producer must meet is not asked of stored batches', async (t) => {
  const stored = { ...storedBatch, records: true }
  const control = edited((b) => b.writeInt16BE(0x30, 21))
  const placed = edited((b) => b.writeBigInt64BE(2n ** 40n, 0))
  const gaps = edited((b) => b.writeInt32BE(20, 23))
  for (const bytes of [control, placed, gaps]) {
    t.ok(isBatchFault(parseBatch(bytes, 0)))
    t.equal(parsed(bytes, stored).recordCount, 12)
  }
})

t.test(
  'a producer id of -1 decides that a batch is not idempotent, whatever the rest says',
  async (t) => {
    const kafkajs = edited((b) => {
      b.writeBigInt64BE(-1n, 43)
      b.writeInt16BE(0, 51)
      b.writeInt32BE(0, 53)
    })
    t.match(parsed(kafkajs), { producerId: -1, producerEpoch: 0, baseSequence: 0 })
  }
)

t.test('a field of several batches is read to its last byte', async (t) => {
  const one = fixture('kafka/batch-java-none')
  const two = fixture('kafka/batch-librdkafka-zstd')
  const both = parseBatches(Buffer.concat([one, two]))
  t.ok(!isBatchFault(both) && both.length === 2)
  if (!isBatchFault(both)) {
    t.same(both[0]?.bytes, one)
    t.same(both[1]?.bytes, two)
  }
  t.match(parseBatches(Buffer.concat([one, two.subarray(0, 80)])), {
    fault: 'length',
    start: one.length
  })
  t.match(parseBatches(Buffer.concat([one, Buffer.alloc(3)])), { fault: 'too-short' })
  t.match(parseBatches(Buffer.alloc(0)), { fault: 'too-short', start: 0 })
})

t.test('a batch may start anywhere in the bytes, and end before they do', async (t) => {
  const { bytes } = encodeBatch([{ timestamp: 5, value: Buffer.from('x') }])
  const all = Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(9)])
  const batch = parseBatch(all, 7)
  t.ok(!isBatchFault(batch))
  if (!isBatchFault(batch)) t.same(batch.bytes, bytes)
  t.ok(isBatchFault(parseBatch(all, 6)))
  t.match(parseBatch(all, all.length + 5), { fault: 'too-short' })
})
