import t from 'tap'
import { StoreError, type Topic } from '../../../../storage/index.ts'
import { kafkaRig } from '../rig.ts'
import { ask, askOne, batchesIn, changeReads, filled, partition } from './fetch-asker.ts'

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
    t.match(answer, { errorCode: 70, sessionId: 0, responses: { length: 0 } })
  }
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

t.test(
  'answers shrink while too much is being made or waits to be sent, and then do not wait',
  async (t) => {
    const limits = { answerBytesMax: 65_536, answerBytesMin: 1000 }
    const rig = await kafkaRig(t, { limits })
    const topic: Topic = await rig.createTopic('orders', 1)
    for (let i = 0; i < 4; i++) await rig.append(topic, 0, 'x'.repeat(10_000))
    const client = rig.connect()
    const patient = { maxWaitMs: 60_000, minBytes: 30_000 }
    const count = async () =>
      batchesIn((await askOne(client, 'orders', partition(0), patient)).records).length
    t.equal(await count(), 4)
    rig.load.addAnswer(45_000)
    t.equal(await count(), 2)
    rig.load.addAnswer(60_000)
    t.equal(await count(), 1)
    t.equal(rig.load.answerBytes, 105_000, 'what was reserved is given back')
  }
)
