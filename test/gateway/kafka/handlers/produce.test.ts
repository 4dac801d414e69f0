import { crc32c } from '@node-rs/crc32'
import t from 'tap'
import type { InputOf } from '../../../../gateway/kafka/codec/index.ts'
import { produceRequest, produceResponse } from '../../../../gateway/kafka/schemas/produce.ts'
import { type Commit, StoreError, type Topic } from '../../../../storage/index.ts'
import { settled } from '../../../support/fake-clock.ts'
import { batchOf, type KafkaClient, type KafkaRig, kafkaRig, values } from '../rig.ts'

const start = 1_750_000_000_000

interface Options {
  readonly version?: number
  readonly acks?: number
  readonly transactionalId?: string | null
  readonly timeoutMs?: number
}

type Body = InputOf<typeof produceRequest>

function bodyFor(
  topic: { readonly name?: string; readonly topicId?: string },
  partitions: Readonly<Record<number, Buffer | null>>,
  { acks = -1, transactionalId = null, timeoutMs = 30_000 }: Options = {}
): Body {
  const partitionData = Object.entries(partitions).map(([index, records]) => ({
    index: Number(index),
    records
  }))
  return { transactionalId, acks, timeoutMs, topicData: [{ ...topic, partitionData }] }
}

/** Produces to one partition and returns its answer. */
async function produceOne(
  client: KafkaClient,
  name: string,
  records: Buffer | null,
  options: Options = {}
) {
  const { version = 9 } = options
  const body = bodyFor({ name }, { 0: records }, options)
  const answer = await client.ask(produceRequest, produceResponse, version, body)
  const partition = answer.responses[0]?.partitionResponses[0]
  if (partition === undefined) throw new Error('no partition in the answer')
  return partition
}

async function storedBytes(rig: KafkaRig, topic: Topic, queue = 0): Promise<Buffer> {
  const read = { queue: topic.queues[queue] as number, offset: 0, maxBytes: 1 << 20 }
  const request = { queues: [read], maxBytes: 1 << 20, isolation: 'uncommitted' } as const
  const [data] = await rig.store.read(request)
  if (data === undefined || data instanceof StoreError) throw data
  return Buffer.concat(data.buffers)
}

async function endOf(rig: KafkaRig, topic: Topic, queue = 0): Promise<number> {
  return (await rig.store.ends(topic.queues[queue] as number)).highWatermark
}

t.test(
  'batches are stored as sent, and answered with their offsets, in every version',
  async (t) => {
    const rig = await kafkaRig(t)
    const topic = await rig.createTopic('orders', 3)
    const client = rig.connect()
    let offset = 0
    for (let version = 3; version <= 13; version++) {
      const named = version >= 13 ? { topicId: topic.id } : { name: 'orders' }
      const body = bodyFor(named, { 2: values('a', 'b'), 0: null }, {})
      const answer = await client.ask(produceRequest, produceResponse, version, body)
      t.equal(answer.responses.length, 1)
      t.match(answer.responses[0], version >= 13 ? { topicId: topic.id } : { name: 'orders' })
      const [bad, good] = answer.responses[0]?.partitionResponses ?? []
      t.match(good, { index: 2, errorCode: 0, baseOffset: offset, logAppendTimeMs: -1 })
      t.equal(good?.logStartOffset, version >= 5 ? 0 : -1)
      t.match(bad, { index: 0, errorCode: 87, baseOffset: -1 }, 'partitions fail on their own')
      offset += 2
    }
    const sent = values('a', 'b')
    const stored = (await storedBytes(rig, topic, 2)).subarray(0, sent.length)
    t.equal(stored.readInt32BE(12), 0, 'leader epoch')
    t.ok(stored.subarray(16).equals(sent.subarray(16)), 'all else as it came')
  }
)

t.test('acks=0 is stored and not answered', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders')
  const client = rig.connect()
  client.send(produceRequest, 7, bodyFor({ name: 'orders' }, { 0: values('a') }, { acks: 0 }))
  t.match(await produceOne(client, 'orders', values('b')), { baseOffset: 1 })
  t.equal(await endOf(rig, topic), 2)
  t.strictSame(
    rig.handled.map(({ bytesOut }) => bytesOut > 0),
    [false, true]
  )
})

t.test('an error with acks=0 closes the connection, after the answers before it', async (t) => {
  const rig = await kafkaRig(t)
  await rig.createTopic('orders')
  const client = rig.connect()
  const first = client.send(produceRequest, 7, bodyFor({ name: 'orders' }, { 0: values('a') }))
  client.send(produceRequest, 7, bodyFor({ name: 'nowhere' }, { 0: values('b') }, { acks: 0 }))
  const answer = await client.receive(produceResponse, 7, first)
  t.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, 0)
  t.equal(await client.nextFrame(), undefined)
  t.ok(client.closed)
  t.strictSame(rig.events, [])
})

t.test('topics and partitions that do not exist are not made', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders', 2)
  const client = rig.connect()
  t.equal((await produceOne(client, 'nowhere', values('a'))).errorCode, 3)
  t.equal(await rig.services.topics.findByName('nowhere'), undefined)
  for (const index of [2, -1]) {
    const body = bodyFor({ name: 'orders' }, { [index]: values('a') })
    const answer = await client.ask(produceRequest, produceResponse, 9, body)
    t.match(answer.responses[0]?.partitionResponses[0], { index, errorCode: 3 })
  }
  const unknown = bodyFor({ topicId: 'f'.repeat(32) }, { 0: values('a') })
  const answer = await client.ask(produceRequest, produceResponse, 13, unknown)
  t.match(answer.responses[0], { topicId: 'f'.repeat(32) })
  t.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, 100)
  await rig.services.topics.delete(topic.id)
  t.equal((await produceOne(client, 'orders', values('a'))).errorCode, 3)
})

/** A copy of a batch with bytes changed, and its checksum made right again. */
function changed(batch: Buffer, change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(batch)
  change(bytes)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

t.test('bad records are refused with the error that Kafka gives', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders')
  const client = rig.connect()
  const good = values('a', 'b')
  const flipped = Buffer.from(good)
  flipped[70] = (flipped[70] as number) ^ 1
  const cases: [string, Buffer | null, number][] = [
    ['no records', null, 87],
    ['empty records', Buffer.alloc(0), 87],
    ['two batches', Buffer.concat([good, good]), 87],
    ['format 1', changed(good, (b) => b.writeInt8(1, 16)), 87],
    ['base offset', changed(good, (b) => b.writeInt32BE(5, 4)), 87],
    ['checksum', flipped, 2],
    ['length too long', changed(good, (b) => b.writeInt32BE(b.length, 8)), 2],
    ['cut short', good.subarray(0, good.length - 1), 2],
    ['record count 0', changed(good, (b) => b.writeInt32BE(0, 57)), 87],
    ['offset delta', changed(good, (b) => b.writeInt32BE(7, 23)), 87],
    ['control batch', changed(good, (b) => b.writeInt16BE(0x20, 21)), 87],
    [
      'producer id, no sequence',
      batchOf([{}], { producerId: 1, producerEpoch: 0, baseSequence: -1 }),
      87
    ],
    ['append time bit', changed(good, (b) => b.writeInt16BE(0x08, 21)), 32],
    ['codec 7', changed(good, (b) => b.writeInt16BE(0x07, 21)), 76]
  ]
  for (const [name, records, error] of cases) {
    const answer = await produceOne(client, 'orders', records)
    t.match(answer, { errorCode: error, baseOffset: -1, logAppendTimeMs: -1 }, name)
    t.ok(answer.errorMessage, name)
  }
  t.equal(await endOf(rig, topic), 0, 'nothing was stored')
})

t.test('compressed batches pass through; zstd only from version 7 on', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders')
  const client = rig.connect()
  const records = [{ value: Buffer.alloc(1000, 'x') }]
  for (const codec of ['gzip', 'snappy', 'lz4'] as const) {
    t.match(await produceOne(client, 'orders', batchOf(records, { codec }), { version: 3 }), {
      errorCode: 0
    })
  }
  const zstd = batchOf(records, { codec: 'zstd', deflate: (block) => block })
  t.equal((await produceOne(client, 'orders', zstd, { version: 6 })).errorCode, 76)
  t.match(await produceOne(client, 'orders', zstd, { version: 7 }), { errorCode: 0, baseOffset: 3 })
  const gzip = batchOf(records, { codec: 'gzip' })
  const stored = await storedBytes(rig, topic)
  t.ok(stored.subarray(16, gzip.length).equals(gzip.subarray(16)))
})

t.test('invalid acks and transactions refuse the whole request', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders')
  const client = rig.connect()
  for (const acks of [2, -2]) {
    t.equal((await produceOne(client, 'orders', values('a'), { acks })).errorCode, 21)
  }
  const options = { transactionalId: 'tx' }
  t.equal((await produceOne(client, 'orders', values('a'), options)).errorCode, 53)
  const transactional = batchOf([{}], {
    transactional: true,
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0
  })
  const body = bodyFor({ name: 'orders' }, { 0: values('a'), 1: transactional })
  const answer = await client.ask(produceRequest, produceResponse, 9, body)
  t.strictSame(
    answer.responses[0]?.partitionResponses.map((p) => p.errorCode),
    [53, 53]
  )
  t.equal(await endOf(rig, topic), 0)
})

t.test("the server's own topics are closed to producers", async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('__consumer_offsets')
  const hidden = { kafka: 'rmq.hidden', rocketmq: 'rmq|2Ehidden' }
  const id = 'a'.repeat(32)
  const changes = [
    { op: 'create-topic', topic: { id, names: hidden, queueCount: 1, system: true } }
  ] as const
  await rig.store.commit({ changes })
  const client = rig.connect()
  t.equal((await produceOne(client, '__consumer_offsets', values('a'))).errorCode, 17)
  t.equal((await produceOne(client, 'rmq.hidden', values('a'))).errorCode, 17)
  t.equal(await endOf(rig, topic), 0)
})

t.test('a batch above max.message.bytes is refused before its checksum is looked at', async (t) => {
  const rig = await kafkaRig(t)
  const exact = batchOf([{ value: Buffer.alloc(500) }])
  await rig.createTopic('small', 1, { 'max.message.bytes': `${exact.length}` })
  const client = rig.connect()
  t.equal((await produceOne(client, 'small', exact)).errorCode, 0)
  const larger = batchOf([{ value: Buffer.alloc(501) }])
  larger[80] = 1
  t.equal((await produceOne(client, 'small', larger)).errorCode, 10)
})

t.test('timestamps too early or too late are refused, unless the server gives them', async (t) => {
  const rig = await kafkaRig(t)
  const bounds = {
    'message.timestamp.before.max.ms': '1000',
    'message.timestamp.after.max.ms': '2000'
  }
  await rig.createTopic('timed', 1, bounds)
  const type = { 'message.timestamp.type': 'LogAppendTime' }
  const stamped = await rig.createTopic('stamped', 1, { ...bounds, ...type })
  const client = rig.connect()
  for (const [offset, error] of [
    [-1001, 32],
    [-1000, 0],
    [2000, 0],
    [2001, 32]
  ] as const) {
    const batch = batchOf([{ timestamp: start + offset }])
    t.equal((await produceOne(client, 'timed', batch)).errorCode, error, `${offset} ms`)
  }
  t.equal((await produceOne(client, 'timed', batchOf([{ timestamp: -1 }]))).errorCode, 0, 'none')
  const answer = await produceOne(client, 'stamped', batchOf([{ timestamp: 5 }]))
  t.match(answer, { errorCode: 0, logAppendTimeMs: start })
  const stored = await storedBytes(rig, stamped)
  t.equal(stored.readInt16BE(21) & 8, 8)
  t.equal(stored.readBigInt64BE(35), BigInt(start))
  t.equal(crc32c(stored.subarray(21)), stored.readUInt32BE(17))
})

t.test('a compacted topic takes only records with keys, compressed or not', async (t) => {
  const rig = await kafkaRig(t)
  await rig.createTopic('table', 1, { 'cleanup.policy': 'compact,delete' })
  const client = rig.connect()
  const key = Buffer.from('k')
  for (const codec of ['none', 'gzip'] as const) {
    const mixed = batchOf([{ key }, { key: null }, { key: Buffer.alloc(0) }, {}], { codec })
    const answer = await produceOne(client, 'table', mixed)
    t.equal(answer.errorCode, 87)
    t.strictSame(
      answer.recordErrors.map((e) => e.batchIndex),
      [1, 3]
    )
    t.equal((await produceOne(client, 'table', batchOf([{ key }], { codec }))).errorCode, 0)
  }
})

t.test(
  'idempotence: a repeated batch gets its first offset, a gap and an old epoch are errors',
  async (t) => {
    const rig = await kafkaRig(t)
    const topic = await rig.createTopic('orders')
    const client = rig.connect()
    const batch = (baseSequence: number, producerEpoch = 1) =>
      batchOf([{}, {}], { producerId: 9, producerEpoch, baseSequence })
    t.match(await produceOne(client, 'orders', batch(0)), { errorCode: 0, baseOffset: 0 })
    t.match(await produceOne(client, 'orders', batch(2)), { errorCode: 0, baseOffset: 2 })
    t.match(await produceOne(client, 'orders', batch(0)), { errorCode: 0, baseOffset: 0 })
    t.match(await produceOne(client, 'orders', batch(5)), { errorCode: 45, baseOffset: -1 })
    t.match(await produceOne(client, 'orders', batch(4, 0)), { errorCode: 47, baseOffset: -1 })
    t.equal(await endOf(rig, topic), 4)
  }
)

t.test(
  'requests of a connection are appended in their order, however long their look-ups take',
  async (t) => {
    const rig = await kafkaRig(t)
    const topic = await rig.createTopic('orders', 1)
    const lookups: (() => void)[] = []
    rig.changes.findTopic = async (by) => {
      await new Promise<void>((resolve) => lookups.push(resolve))
      return rig.store.findTopic(by)
    }
    const client = rig.connect()
    const texts = ['first', 'second', 'third']
    const ids = texts.map((text) =>
      client.send(produceRequest, 7, bodyFor({ name: 'orders' }, { 0: values(text) }))
    )
    await settled()
    t.equal(lookups.length, 3, 'they look up at the same time')
    for (const end of lookups.reverse()) {
      end()
      await settled()
    }
    for (const [index, id] of ids.entries()) {
      const answer = await client.receive(produceResponse, 7, id)
      t.equal(answer.responses[0]?.partitionResponses[0]?.baseOffset, index)
    }
    const stored = (await storedBytes(rig, topic)).toString('latin1')
    t.match(stored, /first.*second.*third/s)
  }
)

t.test(
  'an append that is not durable in time is answered 7, the others with their offsets',
  async (t) => {
    const rig = await kafkaRig(t)
    const topic = await rig.createTopic('orders', 2)
    const stuck = topic.queues[0]
    rig.changes.commit = (commit: Commit) =>
      commit.appends?.[0]?.queue === stuck ? new Promise(() => {}) : rig.store.commit(commit)
    const client = rig.connect()
    const body = bodyFor(
      { name: 'orders' },
      { 0: values('a'), 1: values('b') },
      { timeoutMs: 5000 }
    )
    const id = client.send(produceRequest, 9, body)
    await settled(50)
    await rig.clock.advance(4999)
    t.equal(rig.handled.length, 0)
    await rig.clock.advance(1)
    const answer = await client.receive(produceResponse, 9, id)
    t.match(answer.responses[0]?.partitionResponses, [
      { index: 0, errorCode: 7, baseOffset: -1 },
      { index: 1, errorCode: 0, baseOffset: 0 }
    ])
  }
)

t.test("the store's refusals become Kafka's errors; overload also stops the reading", async (t) => {
  const rig = await kafkaRig(t)
  await rig.createTopic('orders')
  const client = rig.connect()
  for (const [code, error] of [
    ['disk-full', 56],
    ['io-failed', 56],
    ['too-large', 18],
    ['queue-gone', 3],
    ['closed', 6],
    ['overloaded', 7]
  ] as const) {
    rig.changes.commit = async () => {
      throw new StoreError(code, 'refused')
    }
    t.equal((await produceOne(client, 'orders', values('a'))).errorCode, error, code)
  }
  delete rig.changes.commit
  const id = client.send(produceRequest, 9, bodyFor({ name: 'orders' }, { 0: values('a') }))
  await settled()
  t.equal(rig.load.waiting, 1)
  await rig.clock.advance(100)
  const answer = await client.receive(produceResponse, 9, id)
  t.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, 0)
})
