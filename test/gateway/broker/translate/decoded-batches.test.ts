import t from 'tap'
import {
  batchesIn,
  type DecodedBatch,
  DecodedBatches,
  decodeLimits
} from '../../../../gateway/broker/translate/decoded-batches.ts'
import { Turns } from '../../../../gateway/broker/translate/turns.ts'
import { WeightedCache } from '../../../../gateway/broker/translate/weighted-cache.ts'
import { encodeBatch } from '../../../../storage/batch/encode-batch.ts'
import { batchOf } from '../../../../storage/batch/parse-batch.ts'
import { patchBatch, stampAppendTime } from '../../../../storage/batch/patch-batch.ts'
import { recordsBlock } from '../../../../storage/batch/records.ts'
import { fixture } from '../../../support/fixtures.ts'
import { seededRandom } from '../../../support/seeded-random.ts'
import { decoded } from './decoded.ts'
import { packBatch, packed } from './packed.ts'

const topicId = '00112233445566778899aabbccddeeff'
const kafka = { origin: 'kafka', topicId, queue: 5, appendTimeMs: 9 } as const
const rocketmq = { ...kafka, origin: 'rocketmq' } as const
const batchNamed = (name: string) => batchOf(fixture(`kafka/${name}`))

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  t.test(`the Java producer's ${codec} batch as messages`, async (t) => {
    const batch = batchNamed(`batch-java-${codec}`)
    patchBatch(batch, 5000, 0)
    const { messages, baseOffset, nextOffset, fault } = await new DecodedBatches().decode(
      kafka,
      batch
    )
    t.equal(fault, undefined)
    t.same([baseOffset, nextOffset, messages.length], [5000, 5012, 12])
    for (const [i, message] of messages.entries()) {
      t.equal(message.offset, 5000 + i)
      t.equal(message.bornTimestampMs, 1700000000000 + i * 7 - (i === 4 ? 100 : 0))
      t.equal(message.storeTimestampMs, 9)
      t.equal(message.property('KEYS'), i % 4 === 3 ? undefined : `key-${i}`)
      t.equal(message.body.toString(), i === 5 ? '' : `value ${i} ${'isthmus '.repeat(i)}`)
      t.equal(message.property('KAFKA_VALUE'), i === 5 ? 'null' : undefined)
      t.equal(message.property('trace'), i % 3 === 0 ? `id-${i}` : undefined)
      t.equal(message.property('KAFKA_EMPTY_1_empty'), i % 3 === 0 ? 'empty' : undefined)
      t.equal(message.property('KAFKA_NULL_1_none'), i % 3 === 0 ? 'null' : undefined)
    }
  })

  t.test(`a large ${codec} batch, and librdkafka's`, async (t) => {
    const cache = new DecodedBatches()
    const all = await cache.decode(kafka, batchNamed(`batch-librdkafka-${codec}`))
    t.equal(all.messages.length, 10)
    if (codec === 'none') return
    const large = await cache.decode(kafka, batchNamed(`batch-java-large-${codec}`))
    t.equal(large.messages.length, 150)
    const bodies = large.messages.map(({ body }) => body.toString())
    t.ok(bodies.join('').length > 100_000, 'beyond what is inflated on the event loop')
    const gzip = await cache.decode(kafka, batchNamed('batch-java-large-gzip'))
    t.same(
      gzip.messages.map(({ body }) => body.toString()),
      bodies
    )
  })
}

t.test('a batch is decoded once for all who ask, and kept', async (t) => {
  const cache = new DecodedBatches()
  const batch = batchNamed('batch-java-gzip')
  const [first, second] = [cache.decode(kafka, batch), cache.decode(kafka, batch)]
  t.ok(first instanceof Promise)
  t.equal(first, second)
  const made = await first
  t.equal(cache.decode(kafka, batch), made)
  t.not(await cache.decode({ ...kafka, queue: 6 }, batch), made)
  t.match(cache.figures(), { entries: 2, hits: 1 })
  const moved = batchNamed('batch-java-gzip')
  patchBatch(moved, 100, 0)
  t.equal((await cache.decode(kafka, moved)).messages[0]?.offset, 100)
})

t.test('what is kept does not live in the buffers of the read', async (t) => {
  const batch = batchNamed('batch-java-gzip')
  const cache = new DecodedBatches()
  const again = batchOf(Buffer.from(batch.bytes))
  const decoding = cache.decode(kafka, batch)
  batch.bytes.fill(0)
  t.equal((await decoding).messages[1]?.body.toString(), 'value 1 isthmus ')
  const kept = await cache.decode(kafka, again)
  t.same([kept.baseOffset, kept.messages.length], [0, 12])
})

t.test('one that is not compressed is looked at where it is, its records found once', async (t) => {
  const batch = batchNamed('batch-java-none')
  const cache = new DecodedBatches()
  const { places } = await cache.decode(kafka, batch)
  const moved = batchOf(Buffer.from(batch.bytes))
  // What the places were found in is not needed for them.
  batch.bytes.fill(0)
  const walked = places!.starts
  const again = await cache.decode(kafka, moved, places)
  t.equal(again.places?.starts, walked)
  t.equal(again.messages[1]?.body.toString(), 'value 1 isthmus ')
  t.equal(again.messages[1]?.body.buffer, moved.bytes.buffer, 'a slice')
  t.match(cache.figures(), { entries: 0 })
})

t.test('the cache keeps within its limits', async (t) => {
  const one = batchNamed('batch-java-gzip')
  const probe = new DecodedBatches()
  await probe.decode(kafka, one)
  const { bytes } = probe.figures()
  t.ok(bytes > 12 * 8 + (await recordsBlock(one)).length, 'the inflated block is counted in')
  const cache = new DecodedBatches({ ...decodeLimits, keptBytesMax: bytes * 3 })
  for (let queue = 1; queue <= 10; queue++) await cache.decode({ ...kafka, queue }, one)
  t.match(cache.figures(), { entries: 3, bytes: bytes * 3 })
  const none = new DecodedBatches({ ...decodeLimits, keptBatchBytesMax: bytes - 1 })
  t.equal((await none.decode(kafka, one)).messages.length, 12)
  t.match(none.figures(), { entries: 0, bytes: 0 })
})

t.test('what cannot be read is a fault with its offsets', async (t) => {
  const text = (batch: DecodedBatch) => [batch.fault?.code, batch.messages.length, batch.nextOffset]
  const small = new DecodedBatches({ ...decodeLimits, inflatedBytesMax: 1000 })
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
    const batch = batchNamed(`batch-java-large-${codec}`)
    t.same(text(await small.decode(kafka, batch)), ['too-large', 0, 150], codec)
    const cut = { ...batch, bytes: batch.bytes.subarray(0, -20) }
    t.same(text(await new DecodedBatches().decode(kafka, cut)), ['corrupt', 0, 150], codec)
  }
  const record = { timestamp: 1, value: Buffer.from('v') }
  const junk = encodeBatch([record], { codec: 'gzip', deflate: () => Buffer.from('junk') })
  t.same(text(await small.decode(kafka, junk)), ['corrupt', 0, 1])
  t.same(text(await small.decode(kafka, junk)), ['corrupt', 0, 1], 'and is kept as one')
  t.equal(small.figures().hits, 1)
  const wrong = encodeBatch([record, record], { codec: 'gzip' })
  const bytes = Buffer.from(wrong.bytes)
  bytes.writeInt32BE(0, 23)
  const deltas = await small.decode(kafka, { ...wrong, bytes, lastOffsetDelta: 0 })
  t.match(deltas.fault, { code: 'corrupt', text: /offset 1 / })
})

t.test('any byte of a batch changed is read or a fault, and nothing throws', async (t) => {
  const random = seededRandom(t)
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    const batch = batchNamed(`batch-java-${codec}`)
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(batch.bytes)
      bytes[61 + random.integer(bytes.length - 61)] = random.integer(256)
      for (const source of [kafka, rocketmq]) {
        const { messages } = await new DecodedBatches().decode(source, { ...batch, bytes })
        for (const message of messages) message.propertyMap()
      }
    }
  }
})

t.test('control batches have no messages', async (t) => {
  const record = { timestamp: 1, key: Buffer.alloc(4), value: Buffer.alloc(6) }
  const batch = encodeBatch([record], { baseOffset: 8, control: true, transactional: true })
  const result = await new DecodedBatches().decode(kafka, batch)
  t.match(result, { baseOffset: 8, nextOffset: 9, fault: undefined })
  t.same(result.messages, [])
})

t.test(
  'append times that a topic stamps are a Kafka record’s time and not a message’s',
  async (t) => {
    const { message } = decoded(fixture('rocketmq/pull-java-sends'))[0]!
    const native = stampAppendTime(packBatch([packed(message)]), 1_800_000_000_000)
    const [back] = (await new DecodedBatches().decode(rocketmq, native)).messages
    t.equal(back?.bornTimestampMs, message.bornTimestampMs)
    const sent = encodeBatch([{ timestamp: 5, value: null }], { appendTimeMs: 1_800_000_000_000 })
    const [carried] = (await new DecodedBatches().decode(kafka, sent)).messages
    t.equal(carried?.bornTimestampMs, 1_800_000_000_000)
  }
)

t.test('many records: others get their turn in between', async (t) => {
  const all = Array.from({ length: 3500 }, (_, i) => ({ timestamp: i, value: null }))
  let turns = 0
  const decoding = Promise.resolve(new DecodedBatches().decode(kafka, encodeBatch(all)))
  let done = false
  const count = () => {
    turns++
    if (!done) setImmediate(count)
  }
  setImmediate(count)
  t.equal((await decoding.finally(() => (done = true))).messages.length, 3500)
  t.ok(turns >= 5, `${turns} turns`)
})

t.test('messages from an offset on, gaps or not', async (t) => {
  const offsetsFrom = (batch: DecodedBatch, offset: number) =>
    [...batch.from(offset)].map((message) => message.offset)
  const batch = batchNamed('batch-java-none')
  patchBatch(batch, 100, 0)
  const result = await new DecodedBatches().decode(kafka, batch)
  t.equal(offsetsFrom(result, 0).length, 12)
  t.same(offsetsFrom(result, 110), [110, 111])
  t.same(offsetsFrom(result, 112), [])
  const gaps = await new DecodedBatches().decode(kafka, batchWithDeltas([0, 5, 10], 19))
  t.same([gaps.baseOffset, gaps.nextOffset], [100, 120])
  t.same(offsetsFrom(gaps, 102), [105, 110])
  t.same(offsetsFrom(gaps, 105), [105, 110])
  t.same(offsetsFrom(gaps, 111), [])
})

t.test('offsets that do not ascend within the batch are a fault', async (t) => {
  for (const deltas of [
    [0, 0, 1],
    [0, 2, 1],
    [0, 1, 20]
  ]) {
    const { fault } = await new DecodedBatches().decode(kafka, batchWithDeltas(deltas, 19))
    t.match(fault, { code: 'corrupt', text: /^offset \d+ in a batch after \d$/ })
  }
})

/** Records without key, value and headers at these deltas (below 64) from offset 100. */
function batchWithDeltas(deltas: readonly number[], lastOffsetDelta: number) {
  const records = deltas.map(() => ({ timestamp: 1, value: null }))
  const { bytes } = encodeBatch(records, { baseOffset: 100 })
  // Of each record: length, attributes, timestamp, then the delta, zig-zag.
  const recordBytes = (bytes.length - 61) / deltas.length
  for (const [i, delta] of deltas.entries()) bytes[61 + i * recordBytes + 3] = delta * 2
  bytes.writeInt32BE(lastOffsetDelta, 23)
  return batchOf(bytes)
}

t.test('buffers are cut into batches', async (t) => {
  const [one, two] = [fixture('kafka/batch-java-none'), fixture('kafka/batch-java-gzip')]
  const batches = batchesIn([Buffer.concat([one, two]), Buffer.alloc(0), one])
  t.same(
    batches?.map(({ bytes }) => bytes.length),
    [one.length, two.length, one.length]
  )
  t.equal(batchesIn([one.subarray(1)]), undefined)
})

t.test('the cache forgets what was used longest ago', async (t) => {
  const cache = new WeightedCache<number>({ bytesMax: 30, entryBytesMax: 20 })
  for (const [i, key] of ['a', 'b', 'c'].entries()) cache.set(key, i, 10)
  t.equal(cache.get('a'), 0)
  cache.set('d', 3, 10)
  t.equal(cache.get('b'), undefined)
  t.equal(cache.get('a'), 0)
  cache.set('a', 9, 15)
  t.same(cache.figures(), { bytes: 25, entries: 2, hits: 2, misses: 1 })
  t.equal(cache.get('c'), undefined)
  cache.set('a', 10, 21)
  t.equal(cache.get('a'), undefined, 'too heavy to keep, and the old value is not it')
})

t.test('turns: so many at a time, in the order they came, also after failures', async (t) => {
  const turns = new Turns(2)
  const started: number[] = []
  const ends: (() => void)[] = []
  const task = (i: number) => () => {
    started.push(i)
    return new Promise<void>((resolve, reject) =>
      ends.push(i === 0 ? () => reject(new Error()) : resolve)
    )
  }
  const all = [0, 1, 2, 3].map((i) => turns.run(task(i)).catch(() => {}))
  await Promise.resolve()
  t.same(started, [0, 1])
  ends[0]!()
  await all[0]
  t.same(started, [0, 1, 2])
  ends[1]!()
  await all[1]
  t.same(started, [0, 1, 2, 3])
  ends[2]!()
  ends[3]!()
  await Promise.all(all)
  const again = turns.run(async () => 5)
  t.equal(await again, 5)
})
