// What Kafka's clients get of bodies that RocketMQ's clients compressed.
import { crc32c } from '@node-rs/crc32'
import t from 'tap'
import { inflateBodies } from '../../../../gateway/broker/translate/batch-for-kafka.ts'
import { inflateBody } from '../../../../gateway/broker/translate/body-compression.ts'
import { KafkaBatches } from '../../../../gateway/broker/translate/kafka-batches.ts'
import { fieldsOf } from '../../../../gateway/broker/translate/message-of-record.ts'
import { encodeBatch } from '../../../../storage/batch/encode-batch.ts'
import { isBatchFault, parseBatch } from '../../../../storage/batch/parse-batch.ts'
import { baseOffsetOf, patchBatch } from '../../../../storage/batch/patch-batch.ts'
import type { RecordBatch } from '../../../../storage/batch/record-batch.ts'
import { fixture } from '../../../support/fixtures.ts'
import { plainRecord } from '../../../support/plain-record.ts'
import { decoded } from './decoded.ts'
import { packBatch, packed, recordsOf } from './packed.ts'

const messages = decoded(fixture('rocketmq/pull-java-sends')).map(({ message }) => message)
const big = 'isthmus '.repeat(1000)

function sealed(): RecordBatch {
  const batch = packBatch(messages.map(packed))
  patchBatch(batch, 5000, 3)
  return batch
}

function checked(batch: RecordBatch): RecordBatch {
  const parsed = parseBatch(batch.bytes, 0, { crc: true, records: true, fromClient: false })
  if (isBatchFault(parsed)) throw new Error(`${parsed.fault}: ${parsed.text}`)
  return parsed
}

t.test("the Java client's zlib, LZ4 and zstd bodies are inflated", async (t) => {
  const names = messages.map(({ sysFlag }) => sysFlag)
  t.same(names.slice(1, 4), [0x301, 0x101, 0x201])
  for (const { body, sysFlag } of messages.slice(1, 4)) {
    t.equal((await inflateBody(body, sysFlag, 8000)).toString(), big)
    await t.rejects(inflateBody(body, sysFlag, 7999), { code: 'too-large' })
    await t.rejects(inflateBody(body.subarray(0, -8), sysFlag, 8000), { code: 'corrupt' })
    await t.rejects(inflateBody(Buffer.from('plain'), sysFlag, 8000), { code: 'corrupt' })
  }
  const [, zlib] = messages
  t.equal((await inflateBody(zlib!.body, 0x001, 8000)).toString(), big, 'as old clients flag it')
  await t.rejects(inflateBody(zlib!.body, 0x701, 8000), { code: 'corrupt' })
})

t.test('all of a batch but compressed bodies is as it is stored', async (t) => {
  const stored = sealed()
  const bytes = Buffer.from(stored.bytes)
  const { batch, inflated, left } = await inflateBodies(stored)
  t.same(stored.bytes, bytes, 'the stored batch is not written to')
  t.equal(inflated, 3)
  t.same(left, [])
  checked(batch)
  t.equal(baseOffsetOf(batch), 5000)
  t.same(batch.bytes.subarray(0, 8), bytes.subarray(0, 8))
  t.same(batch.bytes.subarray(12, 17), bytes.subarray(12, 17))
  t.same(batch.bytes.subarray(21, 61), bytes.subarray(21, 61))
  const before = recordsOf(stored)
  for (const [i, record] of recordsOf(batch).entries()) {
    const was = before[i]!
    if (i < 1 || i > 3) {
      t.same(plainRecord(record), plainRecord(was))
      continue
    }
    t.equal(record.value?.toString(), big)
    t.same([record.offset, record.timestamp, record.key], [was.offset, was.timestamp, was.key])
    t.same(record.headers.slice(0, -1), was.headers.slice(0, -1))
    t.equal(fieldsOf(record)?.sysFlag, 0)
    t.same({ ...fieldsOf(record), sysFlag: 0 }, { ...fieldsOf(was), sysFlag: 0 })
  }
})

t.test('a body that is not what it says stays as it is, and is told of', async (t) => {
  const broken = { ...messages[1]!, body: Buffer.from('no zlib') }
  const batch = packBatch([packed(messages[0]!), packed(broken), packed(messages[1]!)])
  const result = await inflateBodies(batch)
  t.equal(result.inflated, 1)
  t.match(result.left, [{ offsetDelta: 1, reason: /zlib/ }])
  const [first, second, third] = recordsOf(checked(result.batch))
  t.equal(first?.value?.toString(), 'a body')
  t.equal(second?.value?.toString(), 'no zlib')
  t.equal(fieldsOf(second!)?.sysFlag, 0x301, 'its flag stays with it')
  t.equal(third?.value?.toString(), big)
})

t.test('what bodies may inflate to is bounded, alone and together', async (t) => {
  const batch = packBatch([packed(messages[1]!), packed(messages[2]!)])
  t.match(await inflateBodies(batch, 7999), { inflated: 0, left: [{}, {}] })
  t.match(await inflateBodies(batch, 8000, 15_999), { inflated: 1, left: [{ offsetDelta: 1 }] })
  t.match(await inflateBodies(batch, 8000, 16_000), { inflated: 2, left: { length: 0 } })
})

t.test('nothing to inflate: the same batch', async (t) => {
  const plain = packBatch([packed(messages[0]!)])
  t.equal((await inflateBodies(plain)).batch, plain)
  const compressed = encodeBatch([{ timestamp: 1, value: Buffer.from('v') }], { codec: 'gzip' })
  t.equal((await inflateBodies(compressed)).batch, compressed)
  const rmq = { name: Buffer.from('rmq'), value: Buffer.from('a Kafka header') }
  const other = encodeBatch([{ timestamp: 1, value: null, headers: [rmq] }])
  t.equal((await inflateBodies(other)).batch, other)
})

t.test('a batch with any byte changed is rewritten or left, and nothing throws', async (t) => {
  const stored = packBatch([packed(messages[1]!)])
  for (let at = 61; at < stored.bytes.length; at++) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const bytes = Buffer.from(stored.bytes)
      bytes[at] = value
      const { batch } = await inflateBodies({ ...stored, bytes })
      if (batch.bytes === bytes) continue
      if (crc32c(batch.bytes.subarray(21)) !== batch.bytes.readUInt32BE(17)) t.fail(`byte ${at}`)
    }
  }
})

t.test('a rewritten batch is kept, and made once for all who ask', async (t) => {
  const cache = new KafkaBatches()
  const batch = sealed()
  const [first, second] = [cache.inflate(7, batch), cache.inflate(7, batch)]
  t.ok(first instanceof Promise)
  t.equal(first, second)
  const made = await first
  t.equal(made.inflated, 3)
  t.equal(cache.inflate(7, batch), made)
  t.not(cache.inflate(8, batch), made, 'of another queue it is another')
  await cache.inflate(8, batch)
  t.equal(cache.figures().entries, 2)
  t.equal(cache.figures().bytes, 2 * made.batch.bytes.length)
  const own = made.batch.bytes.toString('hex')
  batch.bytes.fill(0)
  t.equal(made.batch.bytes.toString('hex'), own, 'and does not live in the read’s buffer')
})
