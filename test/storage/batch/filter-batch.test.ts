import fc from 'fast-check'
import t from 'tap'
import { codecOf, deleteHorizonBit } from '../../../storage/batch/attributes.ts'
import { CompressionError } from '../../../storage/batch/compression-limits.ts'
import { encodeBatch, type NewRecord } from '../../../storage/batch/encode-batch.ts'
import {
  deleteHorizonOf,
  emptyBatch,
  filterBatch,
  visitRecords
} from '../../../storage/batch/filter-batch.ts'
import { isBatchFault, parseBatch, storedBatch } from '../../../storage/batch/parse-batch.ts'
import type { RecordBatch } from '../../../storage/batch/record-batch.ts'
import { records } from '../../../storage/batch/records.ts'
import { plainRecord } from '../../support/plain-record.ts'
import { seedOfRun } from '../../support/seeded-random.ts'

const all = { keeps: () => true, horizonMs: () => undefined }

/** Fails unless the batch is one that readers and the checker take. */
function sound(batch: RecordBatch): RecordBatch {
  const parsed = parseBatch(Buffer.from(batch.bytes), 0, { ...storedBatch, records: true })
  if (isBatchFault(parsed)) throw new Error(parsed.text)
  return parsed
}

const field = fc.option(fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)))
const newRecord: fc.Arbitrary<NewRecord> = fc.record({
  timestamp: fc.integer({ min: -1, max: 2 ** 45 }),
  key: field,
  value: field,
  headers: fc.array(
    fc.record({ name: fc.string({ maxLength: 5 }).map((text) => Buffer.from(text)), value: field }),
    { maxLength: 2 }
  )
})

t.test('what stays of a batch is as it was, whatever goes', async (t) => {
  const batchOptions = fc.record({
    codec: fc.constantFrom('none', 'gzip', 'snappy', 'lz4'),
    baseOffset: fc.integer({ min: 0, max: 2 ** 50 }),
    leaderEpoch: fc.nat(9),
    isStamped: fc.boolean()
  })
  const keepMasks = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 })
  const horizons = fc.option(fc.integer({ min: 0, max: 2 ** 45 }), { nil: undefined })
  const property = fc.asyncProperty(
    fc.array(newRecord, { minLength: 1, maxLength: 12 }),
    batchOptions,
    keepMasks,
    horizons,
    async (news, { isStamped, ...options }, mask, horizonMs) => {
      const stamp = isStamped ? { appendTimeMs: 77 } : {}
      const batch = encodeBatch(news, { ...options, ...stamp, producerId: 5, producerEpoch: 1 })
      const before = await records(batch)
      const expected = before.filter((_, i) => mask[i])
      const filter = {
        keeps: ({ offset }: { offset: number }) => mask[offset - options.baseOffset] === true,
        horizonMs: () => horizonMs
      }
      const { batch: left, removed } = await filterBatch(batch, filter)
      t.equal(removed, before.length - expected.length)
      if (left === undefined) {
        t.equal(expected.length, 0)
        return
      }
      if (removed === 0 && horizonMs === undefined) t.equal(left, batch, 'the same batch')
      sound(left)
      t.same((await records(left)).map(plainRecord), expected.map(plainRecord))
      t.equal(left.lastOffsetDelta, batch.lastOffsetDelta)
      t.ok(left.bytes.subarray(43, 57).equals(batch.bytes.subarray(43, 57)), 'the producer\u2019s')
      t.ok(left.bytes.subarray(0, 8).equals(batch.bytes.subarray(0, 8)), 'its place')
      t.equal(deleteHorizonOf(left), horizonMs)
      t.equal(codecOf(left.attributes), options.codec)
      const greatest = Math.max(...expected.map(({ timestamp }) => timestamp))
      if (left !== batch) t.equal(left.maxTimestamp, greatest)
    }
  )
  await fc.assert(property, { seed: seedOfRun | 0, numRuns: 150 })
})

t.test('a horizon that is set stays', async (t) => {
  const news = [1, 2, 3].map((timestamp) => ({ timestamp, key: Buffer.from('k'), value: null }))
  const first = await filterBatch(encodeBatch(news), { ...all, horizonMs: () => 500 })
  t.equal(first.batch!.attributes & deleteHorizonBit, deleteHorizonBit)
  const never = () => {
    throw new Error('asked though there is one')
  }
  const second = await filterBatch(first.batch!, {
    keeps: ({ offset }) => offset > 0,
    horizonMs: never
  })
  t.equal(deleteHorizonOf(second.batch!), 500)
  t.same(
    (await records(second.batch!)).map(({ offset, timestamp }) => [offset, timestamp]),
    [
      [1, 2],
      [2, 3]
    ]
  )
})

t.test('a large batch is deflated again, and what is said of records is right', async (t) => {
  const value = Buffer.alloc(200_000, 'abc')
  for (const codec of ['gzip', 'snappy', 'lz4'] as const) {
    const news = ['a', null, 'c'].map((key) => ({
      timestamp: 1,
      key: key === null ? null : Buffer.from(key),
      value
    }))
    const batch = encodeBatch([...news, { timestamp: 1, key: Buffer.from('d'), value: null }], {
      codec
    })
    const seen: unknown[] = []
    await visitRecords(batch, ({ offset, key, hasValue }) => {
      seen.push([offset, key && `${key}`, hasValue])
    })
    t.same(seen, [
      [0, 'a', true],
      [1, null, true],
      [2, 'c', true],
      [3, 'd', false]
    ])
    const { batch: left } = await filterBatch(batch, {
      ...all,
      keeps: ({ offset }) => offset === 2
    })
    t.ok(sound(left!).bytes.length < value.length / 10)
    t.same((await records(left!))[0]!.value, value)
  }
})

t.test('what cannot be taken apart is refused, and never half of it', async (t) => {
  const batch = encodeBatch([{ timestamp: 1, key: Buffer.from('k'), value: Buffer.from('v') }])
  const broken = Buffer.from(batch.bytes)
  broken[61] = 0x7e
  await t.rejects(filterBatch({ ...batch, bytes: broken }, all), CompressionError)
  const packed = encodeBatch([{ timestamp: 1, value: Buffer.alloc(99) }], { codec: 'gzip' })
  const cut = Buffer.from(packed.bytes)
  cut.fill(0, 65)
  await t.rejects(filterBatch({ ...packed, bytes: cut }, all), CompressionError)
})

t.test('an emptied batch keeps offsets, producer and kind', async (t) => {
  const batch = encodeBatch(
    [1, 2, 3].map((timestamp) => ({ timestamp, value: Buffer.from('x') })),
    {
      codec: 'gzip',
      baseOffset: 40,
      producerId: 3,
      producerEpoch: 2,
      baseSequence: 9,
      transactional: true
    }
  )
  const empty = sound(emptyBatch(batch))
  t.match(empty, {
    recordCount: 0,
    lastOffsetDelta: 2,
    producerId: 3,
    producerEpoch: 2,
    baseSequence: 9,
    maxTimestamp: 3,
    baseTimestamp: -1
  })
  t.equal(empty.attributes, 0x10)
  t.equal(empty.bytes.readBigInt64BE(0), 40n)
  t.same(await records(empty), [])
  t.same(await filterBatch(empty, all), { batch: undefined, removed: 0 })
})
