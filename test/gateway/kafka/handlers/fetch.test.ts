import t from 'tap'
import type { InputOf } from '../../../../gateway/kafka/codec/index.ts'
import { fetchRequest, fetchResponse } from '../../../../gateway/kafka/schemas/fetch.ts'
import { type QueueData, StoreError, type Topic } from '../../../../storage/index.ts'
import { settled } from '../../../support/fake-clock.ts'
import { type KafkaClient, type KafkaRig, kafkaRig } from '../rig.ts'

type Body = InputOf<typeof fetchRequest>
type AskedPartition = Body['topics'][number]['partitions'][number]

interface Options extends Partial<Omit<Body, 'topics'>> {
  readonly version?: number
}

function bodyFor(topics: Body['topics'], options: Options = {}): Body {
  const { version: _version, ...rest } = options
  return { maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, topics, ...rest }
}

function partition(index: number, fetchOffset = 0, rest: Partial<AskedPartition> = {}) {
  return { partition: index, fetchOffset, partitionMaxBytes: 1 << 20, ...rest }
}

async function ask(client: KafkaClient, topics: Body['topics'], options: Options = {}) {
  const { version = 11 } = options
  return client.ask(fetchRequest, fetchResponse, version, bodyFor(topics, options))
}

/** Fetches one partition of a topic by name and returns its answer. */
async function askOne(
  client: KafkaClient,
  topic: string,
  asked: AskedPartition,
  options: Options = {}
) {
  const answer = await ask(client, [{ topic, partitions: [asked] }], options)
  const one = answer.responses[0]?.partitions[0]
  if (one === undefined || answer.responses.length !== 1) throw new Error('not one partition')
  return one
}

/** Base offset and length of each batch in a records field; throws if one is cut. */
function batchesIn(records: Buffer | null): [number, number][] {
  if (records === null) throw new Error('records are null')
  const batches: [number, number][] = []
  for (let at = 0; at < records.length; ) {
    const length = 12 + records.readInt32BE(at + 8)
    if (at + length > records.length) throw new Error(`batch cut at ${at}`)
    batches.push([Number(records.readBigInt64BE(at)), length])
    at += length
  }
  return batches
}

async function filled(rig: KafkaRig, name: string, queueCount: number, count: number) {
  const topic = await rig.createTopic(name, queueCount)
  for (let i = 0; i < count; i++) {
    for (let queue = 0; queue < queueCount; queue++) await rig.append(topic, queue, `${i}`)
  }
  return topic
}

/** Puts something in place of what a read says of each queue. */
function changeReads(rig: KafkaRig, change: (data: QueueData) => QueueData | StoreError): void {
  rig.changes.read = async (request) => {
    const results = await rig.store.read(request)
    return results.map((data) => (data instanceof StoreError ? data : change(data)))
  }
}

t.test('every version returns the batches from the offset on, with the ends', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await filled(rig, 'orders', 1, 3)
  const client = rig.connect()
  for (let version = 4; version <= 18; version++) {
    const named = version >= 13 ? { topicId: topic.id } : { topic: 'orders' }
    const topics = [{ ...named, partitions: [partition(0, 1)] }]
    const answer = await ask(client, topics, { version })
    t.equal(answer.responses.length, 1)
    t.match(answer.responses[0], named)
    const one = answer.responses[0]?.partitions[0]
    t.match(one, { partitionIndex: 0, errorCode: 0, highWatermark: 3, lastStableOffset: 3 })
    t.equal(one?.logStartOffset, version >= 5 ? 0 : -1)
    t.equal(one?.abortedTransactions, null)
    t.strictSame(
      batchesIn(one?.records ?? null).map(([offset]) => offset),
      [1, 2],
      `version ${version}`
    )
    t.match(answer, { sessionId: 0, errorCode: 0 })
  }
})

t.test('the batch that contains the offset comes whole', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders', 1)
  await rig.append(topic, 0, 'a', 'b', 'c')
  const client = rig.connect()
  const one = await askOne(client, 'orders', partition(0, 2))
  t.strictSame(
    batchesIn(one.records).map(([offset]) => offset),
    [0]
  )
})

t.test(
  'all partitions asked for are answered, once, in the order asked, and nothing else',
  async (t) => {
    const rig = await kafkaRig(t)
    await filled(rig, 'a', 3, 1)
    await filled(rig, 'b', 1, 0)
    const client = rig.connect()
    const topics = [
      { topic: 'b', partitions: [partition(0)] },
      { topic: 'nowhere', partitions: [partition(0)] },
      { topic: 'a', partitions: [partition(2), partition(9), partition(0), partition(1, 5)] }
    ]
    const answer = await ask(client, topics)
    t.strictSame(
      answer.responses.map(({ topic, partitions }) => [
        topic,
        ...partitions.map((p) => [p.partitionIndex, p.errorCode, p.records?.length === 0])
      ]),
      [
        ['b', [0, 0, true]],
        ['nowhere', [0, 3, true]],
        ['a', [2, 0, false], [9, 3, true], [0, 0, false], [1, 1, true]]
      ]
    )
  }
)

t.test('an unknown topic id is error 100; system topics are not there', async (t) => {
  const rig = await kafkaRig(t)
  const id = 'a'.repeat(32)
  const names = { kafka: 'rmq.hidden', rocketmq: 'rmq|2Ehidden' }
  const changes = [
    { op: 'create-topic', topic: { id, names, queueCount: 1, system: true } }
  ] as const
  await rig.store.commit({ changes })
  const client = rig.connect()
  for (const topicId of [id, 'b'.repeat(32)]) {
    const answer = await ask(client, [{ topicId, partitions: [partition(0)] }], { version: 13 })
    t.equal(answer.responses[0]?.partitions[0]?.errorCode, 100)
  }
  t.equal((await askOne(client, 'rmq.hidden', partition(0))).errorCode, 3)
})

t.test('offsets out of range carry the ends; the end itself is empty and fine', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 3)
  const client = rig.connect()
  const beyond = await askOne(client, 'orders', partition(0, 4))
  t.match(beyond, { errorCode: 1, highWatermark: 3, logStartOffset: 0 })
  t.match(await askOne(client, 'orders', partition(0, -5)), { errorCode: 1 })
  const end = await askOne(client, 'orders', partition(0, 3))
  t.match(end, { errorCode: 0, highWatermark: 3 })
  t.equal(end.records?.length, 0, 'empty, not null')
})

t.test('sizes: whole batches within both limits, but always the first batch', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 2, 4)
  const client = rig.connect()
  const [[, size] = [0, 0]] = batchesIn((await askOne(client, 'orders', partition(0))).records)
  const counts = async (maxBytes: number, perPartition: number) => {
    const partitions = [0, 1].map((index) =>
      partition(index, 0, { partitionMaxBytes: perPartition })
    )
    const answer = await ask(client, [{ topic: 'orders', partitions }], { maxBytes })
    return answer.responses[0]?.partitions.map((p) => batchesIn(p.records).length)
  }
  t.strictSame(await counts(1 << 20, 1 << 20), [4, 4])
  t.strictSame(await counts(1 << 20, size * 2), [2, 2])
  t.strictSame(await counts(size * 5, 1 << 20), [4, 1])
  t.strictSame(await counts(1, 1), [1, 0])
  t.strictSame(await counts(1 << 20, 1), [1, 0])
  t.strictSame(await counts(0, 0), [1, 0])
})

t.test('a fetch at the end waits for data, and is answered when it is there', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await filled(rig, 'orders', 2, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0, 1), partition(1, 1)] }]
  const id = client.send(fetchRequest, 11, bodyFor(topics, { maxWaitMs: 5000 }))
  await settled(50)
  t.equal(rig.handled.length, 0)
  await rig.append(topic, 1, 'new')
  const answer = await client.receive(fetchResponse, 11, id)
  const [first, second] = answer.responses[0]?.partitions ?? []
  t.match(first, { errorCode: 0, highWatermark: 1 })
  t.match(second, { errorCode: 0, highWatermark: 2 })
  t.strictSame(
    batchesIn(second?.records ?? null).map(([offset]) => offset),
    [1]
  )
})

t.test('a wait ends with the time it was given, with what there is', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0, 0)] }]
  const id = client.send(fetchRequest, 11, bodyFor(topics, { maxWaitMs: 500, minBytes: 100_000 }))
  await settled(50)
  await rig.append(topic, 0, 'more')
  await rig.clock.advance(499)
  t.equal(rig.handled.length, 0, 'minBytes are not there')
  await rig.clock.advance(1)
  const answer = await client.receive(fetchResponse, 11, id)
  const one = answer.responses[0]?.partitions[0]
  t.strictSame(
    batchesIn(one?.records ?? null).map(([offset]) => offset),
    [0, 1],
    'read before and after the wait, once each'
  )
})

t.test('what needs no wait does not wait', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  rig.changes.waitForData = async () => {
    throw new Error('waited')
  }
  const patient = { maxWaitMs: 60_000 }
  const wanted = { topic: 'orders', partitions: [partition(0, 1)] }
  t.match(await ask(client, [], patient), { errorCode: 0 })
  const unknown = { topic: 'nowhere', partitions: [partition(0)] }
  t.equal((await ask(client, [wanted, unknown], patient)).responses.length, 2)
  t.match(await ask(client, [wanted], { ...patient, minBytes: 0 }), { errorCode: 0 })
  t.match(await ask(client, [wanted], { maxWaitMs: 0 }), { errorCode: 0 })
})

t.test('a deleted topic ends the wait with an error that consumers know', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  for (const version of [11, 13]) {
    const again = version === 11 ? topic : await filled(rig, 'orders', 1, 1)
    const named = version >= 13 ? { topicId: again.id } : { topic: 'orders' }
    const topics = [{ ...named, partitions: [partition(0, 1)] }]
    const id = client.send(fetchRequest, version, bodyFor(topics, { maxWaitMs: 60_000 }))
    await settled(50)
    await rig.services.topics.delete(again.id)
    const answer = await client.receive(fetchResponse, version, id)
    t.equal(answer.responses[0]?.partitions[0]?.errorCode, version >= 13 ? 100 : 3)
  }
})

t.test('a client that leaves takes its wait with it', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0, 1)] }]
  client.send(fetchRequest, 11, bodyFor(topics, { maxWaitMs: 60_000 }))
  await settled(50)
  t.equal(rig.store.stats().waiters, 1)
  client.socket.end()
  await settled(50)
  t.equal(rig.store.stats().waiters, 0)
  t.strictSame(rig.events, [])
  t.equal(rig.load.bytes, 0)
})

t.test('draining answers a fetch that waits at once', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0, 1)] }]
  const id = client.send(fetchRequest, 11, bodyFor(topics, { maxWaitMs: 60_000 }))
  await settled(50)
  client.connection.drain()
  const answer = await client.receive(fetchResponse, 11, id)
  t.match(answer.responses[0]?.partitions[0], { errorCode: 0, highWatermark: 1 })
  t.equal(await client.nextFrame(), undefined)
})

t.test('sessions are refused: only full requests are answered', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0)] }]
  for (const sessionEpoch of [0, -1]) {
    for (const sessionId of [0, 77]) {
      const answer = await ask(client, topics, { sessionId, sessionEpoch })
      t.match(answer, { errorCode: 0, sessionId: 0 })
      t.equal(answer.responses.length, 1)
    }
  }
  for (const sessionId of [0, 77]) {
    const answer = await ask(client, topics, { sessionId, sessionEpoch: 3 })
    t.match(answer, { errorCode: 70, sessionId: 0, responses: [] })
  }
})

/** Makes the queues look as if they were in an epoch, with earlier ones that ended. */
function inEpoch(
  rig: KafkaRig,
  leaderEpoch: number,
  ended: Record<number, [number, number]>
): void {
  changeReads(rig, (data) => ({ ...data, ends: { ...data.ends, leaderEpoch } }))
  rig.changes.epochEnd = async (_queue, epoch) => {
    const end = ended[epoch]
    return end === undefined ? null : { epoch: end[0], endOffset: end[1] }
  }
}

t.test("a leader epoch that is not the queue's is fenced or unknown", async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 3)
  inEpoch(rig, 5, {})
  const client = rig.connect()
  for (const [currentLeaderEpoch, errorCode] of [
    [-1, 0],
    [5, 0],
    [4, 74],
    [6, 75]
  ] as const) {
    const one = await askOne(client, 'orders', partition(0, 0, { currentLeaderEpoch }))
    t.equal(one.errorCode, errorCode)
    t.equal(one.records?.length === 0, errorCode !== 0)
  }
  const asked = partition(0, 0, { currentLeaderEpoch: 4 })
  t.equal((await askOne(client, 'orders', asked, { version: 8 })).errorCode, 0, 'not in version 8')
})

t.test('a client that read beyond where its epoch ended is told, and gets no data', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 3)
  inEpoch(rig, 2, { 0: [0, 1], 1: [0, 1] })
  const client = rig.connect()
  const version = 12
  const fetchFrom = (offset: number, lastFetchedEpoch: number) =>
    askOne(client, 'orders', partition(0, offset, { lastFetchedEpoch }), { version })
  const none = { epoch: -1, endOffset: -1 }
  for (const [offset, epoch, diverging] of [
    [3, -1, none],
    [3, 2, none],
    [1, 0, none],
    [2, 0, { epoch: 0, endOffset: 1 }],
    [1, 1, { epoch: 0, endOffset: 1 }]
  ] as const) {
    const one = await fetchFrom(offset, epoch)
    t.match(one, { errorCode: 0, divergingEpoch: diverging }, `offset ${offset} epoch ${epoch}`)
    if (diverging !== none) t.equal(one.records?.length, 0)
  }
  t.equal((await fetchFrom(1, 7)).errorCode, 1, 'an epoch from the future')
})

t.test('read_committed is passed on, and gets the aborted transactions', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 3)
  const aborted = [{ producerId: 4, firstOffset: 1 }]
  const seen: string[] = []
  rig.changes.read = async (request) => {
    seen.push(request.isolation)
    const results = await rig.store.read(request)
    return results.map((data) =>
      data instanceof StoreError
        ? data
        : { ...data, aborted, ends: { ...data.ends, lastStableOffset: 2 } }
    )
  }
  const client = rig.connect()
  const committed = await askOne(client, 'orders', partition(0), { isolationLevel: 1 })
  t.match(committed, { lastStableOffset: 2, highWatermark: 3 })
  t.strictSame(committed.abortedTransactions, aborted)
  const all = await askOne(client, 'orders', partition(0))
  t.equal(all.abortedTransactions, null)
  t.strictSame(seen, ['committed', 'uncommitted'])
})

t.test("what the store cannot read becomes an error that Java's consumer knows", async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 2, 1)
  const client = rig.connect()
  const known = new Set([1, 2, 3, 6, 56])
  for (const [code, error] of [
    ['corrupt', 2],
    ['io-failed', 56],
    ['queue-gone', 3],
    ['overloaded', 6],
    ['closed', 6]
  ] as const) {
    let first = true
    changeReads(rig, (data) => {
      const failed = first
      first = false
      return failed ? new StoreError(code, 'refused') : data
    })
    const partitions = [partition(0), partition(1)]
    const answer = await ask(client, [{ topic: 'orders', partitions }])
    const [bad, good] = answer.responses[0]?.partitions ?? []
    t.match(bad, { errorCode: error })
    t.ok(known.has(bad?.errorCode ?? -1))
    t.equal(bad?.records?.length, 0)
    t.match(good, { errorCode: 0, highWatermark: 1 })
  }
})

t.test('answers shrink to one batch while too many wait to be sent', async (t) => {
  const rig = await kafkaRig(t, { limits: { answerBytesMax: 65_536 } })
  const topic: Topic = await rig.createTopic('orders', 1)
  for (let i = 0; i < 4; i++) await rig.append(topic, 0, 'x'.repeat(10_000))
  const client = rig.connect()
  const count = async () => batchesIn((await askOne(client, 'orders', partition(0))).records).length
  t.equal(await count(), 4)
  rig.load.addAnswer(60_000)
  t.equal(await count(), 1)
  rig.load.addAnswer(60_000)
  t.equal(await count(), 1)
})
