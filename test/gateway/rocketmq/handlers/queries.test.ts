import t from 'tap'
import { derivedUniqueKey, physicalOffsetOf } from '../../../../gateway/broker/translate/index.ts'
import { defaultRocketmqLimits } from '../../../../gateway/rocketmq/context.ts'
import { encodeBatch } from '../../../../storage/batch/encode-batch.ts'
import type { RocketmqPeer } from '../rig.ts'
import { bodiesIn, messagesIn, StoreRig, send } from '../store-rig.ts'

const queryMessage = 12
const earliestStoreTime = 32
const viewMessage = 33

interface Query {
  readonly topic: string
  readonly key: string
  readonly maxNum?: number
  readonly from?: number
  readonly to?: number | string
  readonly isUnique?: boolean
}

function query(peer: RocketmqPeer, { topic, key, ...more }: Query) {
  const { maxNum = 64, from = 0, to = '9223372036854775807', isUnique = false } = more
  return peer.ask(queryMessage, {
    fields: {
      topic,
      key,
      maxNum: `${maxNum}`,
      beginTimestamp: `${from}`,
      endTimestamp: `${to}`,
      _UNIQUE_KEY_QUERY: `${isUnique}`
    }
  })
}

t.test('messages are found by each of their keys, and by their unique key', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  await rig.addTopic('others')
  const peer = rig.broker.connect()
  const keyed = (queueId: number, body: string, KEYS: string, UNIQ_KEY: string) =>
    send(peer, 'orders', body, { queueId, properties: { KEYS, UNIQ_KEY } })
  await keyed(0, 'one', 'red green', 'U1')
  await keyed(1, 'two', 'green', 'U2')
  await keyed(0, 'three', 'red', 'U3')
  await send(peer, 'others', 'elsewhere', { properties: { KEYS: 'red', UNIQ_KEY: 'U4' } })
  t.same(bodiesIn(await query(peer, { topic: 'orders', key: 'red' })), ['one', 'three'])
  t.same(bodiesIn(await query(peer, { topic: 'orders', key: 'green' })), ['one', 'two'])
  const unique = await query(peer, { topic: 'orders', key: 'U2', isUnique: true })
  t.same(bodiesIn(unique), ['two'])
  const uid = (await rig.store.findTopic({ rocketmqName: 'orders' }))!.queues[1]!
  t.equal(unique.fields.get('indexLastUpdatePhyoffset'), `${physicalOffsetOf(uid, 0)}`)
  t.match(messagesIn(unique)[0]?.place, { queueId: 1, queueOffset: 0 })
  const none = {
    code: 22,
    remark: 'can not find message, maybe time range not correct',
    fields: new Map([
      ['indexLastUpdateTimestamp', '0'],
      ['indexLastUpdatePhyoffset', '0']
    ])
  }
  t.match(await query(peer, { topic: 'orders', key: 'blue' }), none)
  t.match(await query(peer, { topic: 'orders', key: 'U4', isUnique: true }), none)
  t.match(await query(peer, { topic: 'nowhere', key: 'red' }), none)
})

t.test('a query has a time window and a number', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 1)
  const peer = rig.broker.connect()
  const times: number[] = []
  for (let i = 0; i < 70; i++) {
    times.push(rig.clock.now())
    await send(peer, 'orders', `m${i}`, { properties: { KEYS: 'k', UNIQ_KEY: 'same' } })
    await rig.clock.advance(10)
  }
  const all = bodiesIn(await query(peer, { topic: 'orders', key: 'k', maxNum: 1000 }))
  t.equal(all.length, 64, 'no more than a real broker gives')
  t.same([all[0], all.at(-1)], ['m6', 'm69'], 'the newest, the oldest of them first')
  t.same(bodiesIn(await query(peer, { topic: 'orders', key: 'k', maxNum: 2 })), ['m68', 'm69'])
  const unique = await query(peer, { topic: 'orders', key: 'same', maxNum: 1, isUnique: true })
  t.equal(bodiesIn(unique).length, 32)
  const window = { from: times[3]!, to: times[5]! }
  t.same(bodiesIn(await query(peer, { topic: 'orders', key: 'k', ...window })), ['m3', 'm4', 'm5'])
  t.match(await query(peer, { topic: 'orders', key: 'k', maxNum: 0 }), { code: 22 })
})

t.test(
  "Kafka's records are found by their key, and by the unique key that they are given",
  async (t) => {
    const rig = await StoreRig.open(t)
    const topicId = await rig.addTopic('orders', 2)
    const peer = rig.broker.connect()
    const uids = (await rig.store.findTopic({ rocketmqName: 'orders' }))!.queues
    const append = async (queue: number, keys: readonly string[]) => {
      const records = keys.map((key, i) => ({
        timestamp: 1000 + i,
        key: Buffer.from(key),
        value: Buffer.from(`kafka ${key}`),
        headers: []
      }))
      const batches = [encodeBatch(records)]
      await rig.store.commit({ appends: [{ queue, batches, origin: 'kafka' }] })
    }
    await append(uids[0]!, ['a', 'b'])
    await send(peer, 'orders', 'rocketmq a', { properties: { KEYS: 'a', UNIQ_KEY: 'U' } })
    await rig.clock.advance(1000)
    const laterMs = rig.clock.now()
    await append(uids[1]!, ['c', 'a', 'a'])
    t.same(bodiesIn(await query(peer, { topic: 'orders', key: 'a' })), [
      'kafka a',
      'rocketmq a',
      'kafka a',
      'kafka a'
    ])
    const later = await query(peer, { topic: 'orders', key: 'a', from: laterMs })
    t.same(
      messagesIn(later).map(({ place: { queueId, queueOffset } }) => [queueId, queueOffset]),
      [
        [1, 1],
        [1, 2]
      ]
    )
    const earlier = await query(peer, { topic: 'orders', key: 'a', to: laterMs - 1 })
    t.same(bodiesIn(earlier), ['kafka a', 'rocketmq a'])
    t.same(bodiesIn(await query(peer, { topic: 'orders', key: 'a', maxNum: 1 })), ['rocketmq a'])
    const key = derivedUniqueKey(topicId, uids[1]!, 0)
    const derived = await query(peer, {
      topic: 'orders',
      key,
      isUnique: true,
      from: laterMs + 5000
    })
    t.same(bodiesIn(derived), ['kafka c'], 'whenever it was stored')
    const wrong = derivedUniqueKey(topicId, uids[0]!, 2)
    t.match(await query(peer, { topic: 'orders', key: wrong, isUnique: true }), { code: 22 })
  }
)

t.test("Kafka's records are looked for as far as the limits go, the newest first", async (t) => {
  const limits = { ...defaultRocketmqLimits, keyScanBytesMax: 1 }
  const rig = await StoreRig.open(t, {}, { limits })
  await rig.addTopic('orders', 1)
  const [queue] = (await rig.store.findTopic({ rocketmqName: 'orders' }))!.queues
  for (let i = 0; i < 600; i += 10) {
    const records = Array.from({ length: 10 }, (_, j) => ({
      timestamp: 1000,
      key: Buffer.from(`k${i + j}`),
      value: Buffer.from(`of k${i + j}`),
      headers: []
    }))
    const batches = [encodeBatch(records)]
    await rig.store.commit({ appends: [{ queue: queue!, batches, origin: 'kafka' }] })
  }
  const peer = rig.broker.connect()
  t.same(bodiesIn(await query(peer, { topic: 'orders', key: 'k599' })), ['of k599'])
  t.match(await query(peer, { topic: 'orders', key: 'k3' }), { code: 22 }, 'too far back')
})

t.test('an answer has room for so much, and for one message at least', async (t) => {
  const limits = { ...defaultRocketmqLimits, queryBytesMax: 1500 }
  const rig = await StoreRig.open(t, {}, { limits })
  await rig.addTopic('orders', 1)
  const peer = rig.broker.connect()
  for (const letter of ['a', 'b', 'c', 'd']) {
    await send(peer, 'orders', letter.repeat(400), { properties: { KEYS: 'k' } })
  }
  await send(peer, 'orders', 'e'.repeat(4000), { properties: { KEYS: 'large' } })
  const found = bodiesIn(await query(peer, { topic: 'orders', key: 'k' }))
  t.same(
    found.map((body) => body[0]),
    ['c', 'd']
  )
  t.equal(bodiesIn(await query(peer, { topic: 'orders', key: 'large' })).length, 1)
})

t.test('a message is viewed by its place in the log', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  await send(peer, 'orders', 'first')
  const { fields } = await send(peer, 'orders', 'second', { properties: { TAGS: 'A' } })
  const place = BigInt(`0x${fields.get('msgId')?.slice(16)}`)
  const viewed = await peer.ask(viewMessage, { fields: { offset: `${place}`, topic: 'orders' } })
  t.same(bodiesIn(viewed), ['second'])
  t.match(messagesIn(viewed)[0]?.place, { queueOffset: 1, physicalOffset: place })
  for (const offset of [`${place + 1n}`, '123456789012', '0', '-1']) {
    t.match(await peer.ask(viewMessage, { fields: { offset } }), {
      code: 1,
      remark: `can not find message by the offset, ${offset}`
    })
  }
})

t.test("a queue's earliest message has a store time", async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const earliest = async (queueId: number, topic = 'orders') => {
    const answer = await peer.ask(earliestStoreTime, { fields: { topic, queueId: `${queueId}` } })
    return answer.fields.get('timestamp')
  }
  t.equal(await earliest(0), '-1')
  const storedMs = rig.clock.now()
  await send(peer, 'orders', 'first')
  await rig.clock.advance(1000)
  await send(peer, 'orders', 'second')
  t.equal(await earliest(0), `${storedMs}`)
  t.equal(await earliest(1), '-1')
  t.equal(await earliest(7), '-1')
  t.equal(await earliest(0, 'nowhere'), '-1')
})
