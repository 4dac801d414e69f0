import { deepStrictEqual } from 'node:assert'
import * as fc from 'fast-check'
import t from 'tap'
import { encodeBatch, type NewRecord } from '../../../storage/batch/encode-batch.ts'
import { isBatchFault, parseBatch } from '../../../storage/batch/parse-batch.ts'
import {
  baseOffsetOf,
  leaderEpochOf,
  patchBatch,
  stampAppendTime
} from '../../../storage/batch/patch-batch.ts'
import type { RecordBatch } from '../../../storage/batch/record-batch.ts'
import {
  firstRecordAtOrAfter,
  records,
  recordWithMaxTimestamp
} from '../../../storage/batch/records.ts'
import { fixture } from '../../support/fixtures.ts'
import { plainRecord } from '../../support/plain-record.ts'

function parsed(bytes: Buffer): RecordBatch {
  const batch = parseBatch(bytes, 0)
  if (isBatchFault(batch)) throw new Error(`${batch.fault}: ${batch.text}`)
  return batch
}

const text = (bytes: Buffer | null) => (bytes === null ? null : bytes.toString())

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
  t.test(`the records of the Java producer's ${codec} batch come out as sent`, async (t) => {
    const batch = parsed(fixture(`kafka/batch-java-${codec}`))
    patchBatch(batch, 5000, 3)
    const all = await records(batch)
    t.equal(all.length, 12)
    for (const [i, record] of all.entries()) {
      t.equal(record.offset, 5000 + i)
      t.equal(record.timestamp, 1700000000000 + i * 7 - (i === 4 ? 100 : 0))
      t.equal(text(record.key), i % 4 === 3 ? null : `key-${i}`)
      t.equal(text(record.value), i === 5 ? null : `value ${i} ${'isthmus '.repeat(i)}`)
      const headers = record.headers.map(({ name, value }) => [name.toString(), text(value)])
      const sent = [
        ['trace', `id-${i}`],
        ['empty', ''],
        ['none', null]
      ]
      t.same(headers, i % 3 === 0 ? sent : [])
    }
  })

  t.test(`the records of librdkafka's ${codec} batch come out as sent`, async (t) => {
    const all = await records(parsed(fixture(`kafka/batch-librdkafka-${codec}`)))
    t.equal(all.length, 10)
    for (const [i, record] of all.entries()) {
      t.equal(text(record.key), `key-${i}`)
      t.equal(text(record.value), `value ${i}${' isthmus'.repeat(6)}`)
      t.same(text(record.headers[0]?.value ?? null), 'abc')
    }
  })

  t.test(`time is searched inside a ${codec} batch`, async (t) => {
    const batch = parsed(fixture(`kafka/batch-java-${codec}`))
    const first = 1700000000000
    t.equal((await firstRecordAtOrAfter(batch, 0))?.offset, 0)
    t.equal((await firstRecordAtOrAfter(batch, first + 22))?.offset, 5, 'record 4 is older')
    t.equal((await firstRecordAtOrAfter(batch, first + 77))?.offset, 11)
    t.equal(await firstRecordAtOrAfter(batch, first + 78), undefined)
    t.equal((await recordWithMaxTimestamp(batch))?.offset, 11)
  })
}

t.test('the first of several greatest timestamps is the one', async (t) => {
  const batch = encodeBatch([5, 9, 9, 7].map((timestamp) => ({ timestamp })))
  t.match(await recordWithMaxTimestamp(batch), { offset: 1, timestamp: 9 })
})

t.test('patching moves a batch without touching its CRC', async (t) => {
  const batch = parsed(fixture('kafka/batch-java-none'))
  const before = Buffer.from(batch.bytes)
  patchBatch(batch, 2 ** 45 + 3, 77)
  t.equal(baseOffsetOf(batch), 2 ** 45 + 3)
  t.equal(batch.bytes.readBigInt64BE(0), 2n ** 45n + 3n)
  t.equal(leaderEpochOf(batch), 77)
  before.copy(before, 0)
  batch.bytes.copy(before, 0, 0, 16)
  t.same(batch.bytes, before, 'only offset and epoch changed')
  t.notOk(isBatchFault(parseBatch(batch.bytes, 0, { crc: true, records: true, fromClient: false })))
})

t.test('append time replaces every record\u2019s timestamp and the CRC fits again', async (t) => {
  const batch = stampAppendTime(parsed(fixture('kafka/batch-java-none')), 1800000000123)
  t.equal(batch.attributes, 0x08)
  const again = parseBatch(batch.bytes, 0, { crc: true, records: true, fromClient: false })
  t.match(again, { attributes: 0x08, maxTimestamp: 1800000000123, baseTimestamp: 1700000000000 })
  for (const record of await records(batch)) t.equal(record.timestamp, 1800000000123)
  t.equal((await firstRecordAtOrAfter(batch, 1800000000000))?.offset, 0)
})

t.test('a control record has Kafka\u2019s bytes', async (t) => {
  const key = Buffer.from('00000001', 'hex')
  const value = Buffer.from('000000000007', 'hex')
  const options = { producerId: 9, producerEpoch: 2, transactional: true, control: true }
  const batch = encodeBatch([{ timestamp: 1, key, value }], options)
  t.equal(batch.bytes.subarray(21, 23).toString('hex'), '0030')
  t.equal(
    batch.bytes.subarray(43).toString('hex'),
    [
      '0000000000000009',
      '0002',
      'ffffffff',
      '00000001',
      '20',
      '00',
      '00',
      '00',
      '08',
      '00000001',
      '0c',
      '000000000007',
      '00'
    ].join('')
  )
})

const bytesUpTo = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes))
const field = fc.option(bytesUpTo(200))
const timestamp = fc.oneof(
  fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  fc.integer({ min: 1_500_000_000_000, max: 1_900_000_000_000 }),
  fc.constant(2 ** 50)
)
const anyRecord: fc.Arbitrary<NewRecord> = fc
  .tuple(
    timestamp,
    field,
    field,
    fc.array(
      fc.tuple(bytesUpTo(20), field).map(([name, value]) => ({ name, value })),
      { maxLength: 4 }
    )
  )
  .map(([timestamp, key, value, headers]) => ({ timestamp, key, value, headers }))
const someRecords = fc.array(anyRecord, { minLength: 1, maxLength: 20 })

t.test('whatever is encoded is parsed, walked and decoded to the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      someRecords,
      fc.constantFrom('none', 'gzip', 'snappy', 'lz4'),
      async (sent, codec) => {
        const batch = parsed(encodeBatch(sent, { codec }).bytes)
        const wanted = sent.map((record, offset) => ({ offset, ...record }))
        deepStrictEqual((await records(batch)).map(plainRecord), wanted)
      }
    ),
    { numRuns: 150 }
  )
})

t.test('an uncompressed batch cut anywhere, its length set right, is refused', async () => {
  await fc.assert(
    fc.property(someRecords, fc.nat(), (sent, cut) => {
      const { bytes } = encodeBatch(sent)
      const length = 61 + (cut % (bytes.length - 61))
      const short = Buffer.from(bytes.subarray(0, length))
      short.writeInt32BE(length - 12, 8)
      const result = parseBatch(short, 0, { crc: false, records: true, fromClient: true })
      return isBatchFault(result) && result.fault === 'records'
    }),
    { numRuns: 300 }
  )
})
