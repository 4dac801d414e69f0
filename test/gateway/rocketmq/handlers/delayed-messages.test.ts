import t, { type Test } from 'tap'
import { encodeClientBatch } from '../../../../gateway/broker/translate/client-batch.ts'
import type { Command } from '../../../../gateway/rocketmq/codec/index.ts'
import { recallMessageRequest } from '../../../../gateway/rocketmq/headers/recall-message.ts'
import { sendBatchMessageRequest } from '../../../../gateway/rocketmq/headers/send-message.ts'
import {
  decodeRecallHandle,
  encodeRecallHandle
} from '../../../../gateway/rocketmq/recall-handle.ts'
import { rocketmqFixtures } from '../../../support/rocketmq-fixtures.ts'
import type { RocketmqPeer } from '../rig.ts'
import { bodiesIn, messagesIn, pull, StoreRig, send, textOf } from '../store-rig.ts'

const illegal = 13

async function rigWith(t: Test): Promise<{ rig: StoreRig; peer: RocketmqPeer }> {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  return { rig, peer: rig.broker.connect() }
}

async function bodies(peer: RocketmqPeer, queueId = 0): Promise<string[]> {
  const answer = await pull(peer, { topic: 'orders', queueId, offset: 0, subscription: '*' })
  return answer.code === 0 ? bodiesIn(answer) : []
}

t.test('a delay level is waited for, from the moment the message is stored', async (t) => {
  const { rig, peer } = await rigWith(t)
  const properties = { TAGS: 'a', DELAY: '2', UNIQ_KEY: 'K1' }
  const answer = await send(peer, 'orders', 'later', { queueId: 1, properties })
  t.equal(answer.code, 0)
  t.match(Object.fromEntries(answer.fields), {
    queueId: '1',
    queueOffset: '0',
    transactionId: 'K1'
  })
  t.notOk(answer.fields.has('recallHandle'))
  await rig.clock.advance(4999)
  t.same(await bodies(peer, 1), [])
  await rig.clock.advance(1)
  const found = await pull(peer, { topic: 'orders', queueId: 1, offset: 0, subscription: '*' })
  const [message] = messagesIn(found)
  t.equal(message?.message.body.toString(), 'later')
  t.equal(message?.message.bornTimestampMs, 1_700_000_000_123)
  t.equal(message?.place.storeTimestampMs, rig.clock.now())
  const text = message?.message.properties.toString() ?? ''
  for (const part of ['DELAY\u00012', 'REAL_TOPIC\u0001orders', 'REAL_QID\u00011', 'TAGS\u0001a'])
    t.ok(text.includes(part), part)
})

t.test('a level above the highest is the highest; one of 0 or less is none', async (t) => {
  const { rig, peer } = await rigWith(t)
  for (const DELAY of ['99', '0', '-3'])
    t.equal((await send(peer, 'orders', DELAY, { properties: { DELAY } })).code, 0)
  t.same(await bodies(peer), ['0', '-3'])
  await rig.clock.advance(7_199_999)
  t.same(await bodies(peer), ['0', '-3'])
  await rig.clock.advance(1)
  t.same(await bodies(peer), ['0', '-3', '99'])
  t.equal((await send(peer, 'orders', 'x', { properties: { DELAY: 'x' } })).code, 1)
})

t.test('timer messages come to the millisecond, however they say when', async (t) => {
  const { rig, peer } = await rigWith(t)
  const now = rig.clock.now()
  const asked: readonly (readonly [number, Record<string, string>])[] = [
    [2000, { TIMER_DELAY_SEC: '2' }],
    [2, { TIMER_DELAY_MS: '2' }],
    [777, { TIMER_DELIVER_MS: `${now + 777}` }],
    [5, { TIMER_DELAY_MS: '5', TIMER_DELIVER_MS: `${now + 1}` }]
  ]
  for (const [ms, properties] of asked) {
    const answer = await send(peer, 'orders', `${ms}`, { properties })
    const handle = decodeRecallHandle(answer.fields.get('recallHandle') ?? '')
    t.match(handle, { topic: 'orders', brokerName: 'broker-a', deliverMs: now + ms })
    t.equal(handle?.uniqueKey, answer.fields.get('transactionId'))
  }
  const seen: string[] = []
  for (const ms of [2, 5, 777, 2000]) {
    await rig.clock.advance(now + ms - 1 - rig.clock.now())
    t.same(await bodies(peer), seen)
    await rig.clock.advance(1)
    seen.push(`${ms}`)
    t.same(await bodies(peer), seen)
  }
  const answer = await pull(peer, { topic: 'orders', offset: 0, subscription: '*' })
  const text = messagesIn(answer)[0]?.message.properties.toString() ?? ''
  for (const part of [
    `TIMER_OUT_MS\u0001${now + 2}\u0002`,
    `TIMER_ENQUEUE_MS\u0001${now}\u0002`,
    `TIMER_DEQUEUE_MS\u0001${now + 2}\u0002`,
    'REAL_TOPIC\u0001orders\u0002',
    'TIMER_DELAY_MS\u00012\u0002'
  ])
    t.ok(text.includes(part), part)
})

t.test('a time that is over means at once; a level counts more than a time', async (t) => {
  const { rig, peer } = await rigWith(t)
  const past = { TIMER_DELIVER_MS: `${rig.clock.now() - 1}` }
  const answer = await send(peer, 'orders', 'past', { properties: past })
  t.notOk(answer.fields.has('recallHandle'))
  await send(peer, 'orders', 'negative', { properties: { TIMER_DELAY_SEC: '-5' } })
  // It was in the time wheel before: a consumer sends it on with all its properties.
  const again = { TIMER_OUT_MS: '5', TIMER_DELAY_SEC: '60' }
  await send(peer, 'orders', 'again', { properties: again })
  t.same(await bodies(peer), ['past', 'negative', 'again'])
  await send(peer, 'orders', 'level', { properties: { DELAY: '1', TIMER_DELAY_MS: '1' } })
  await rig.clock.advance(999)
  t.equal((await bodies(peer)).length, 3)
  await rig.clock.advance(1)
  const found = await pull(peer, { topic: 'orders', offset: 3, subscription: '*' })
  t.same(bodiesIn(found), ['level'])
  t.notMatch(messagesIn(found)[0]?.message.properties.toString(), /TIMER_DELAY_MS/)
})

t.test('there is no limit of three days; what is no time is refused', async (t) => {
  const { rig, peer } = await rigWith(t)
  const days = 400
  const far = { TIMER_DELAY_SEC: `${days * 86_400}` }
  t.equal((await send(peer, 'orders', 'far', { properties: far })).code, 0)
  for (const bad of ['soon', '9223372036854775807', '']) {
    const answer = await send(peer, 'orders', 'x', { properties: { TIMER_DELIVER_MS: bad } })
    t.equal(answer.code, bad === '' ? 0 : illegal, bad)
  }
  const deleting = { TIMER_DEL_UNIQKEY: 'orders+K', TIMER_DELAY_SEC: '5' }
  t.equal((await send(peer, 'orders', '0', { properties: deleting })).code, illegal)
  rig.clock.stepWallClock(days * 86_400_000)
  await rig.clock.advance(10_000)
  t.same(await bodies(peer), ['x', 'far'])
})

t.test('a batch with a delay is refused', async (t) => {
  const { peer } = await rigWith(t)
  for (const delay of [{ DELAY: '1' }, { TIMER_DELAY_MS: '100' }]) {
    const texts = ['', textOf(delay)]
    const batch = texts.map((text) => ({
      flag: 0,
      body: Buffer.from('x'),
      properties: Buffer.from(text)
    }))
    const body = encodeClientBatch(batch)
    const header = {
      producerGroup: 'p',
      topic: 'orders',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: 1,
      flag: 0,
      batch: true
    }
    t.equal((await peer.askFor(sendBatchMessageRequest, header, { body })).code, illegal)
  }
  t.same(await bodies(peer), [])
})

t.test('waiting messages are in no list, and nobody reads or writes where they wait', async (t) => {
  const { rig, peer } = await rigWith(t)
  await send(peer, 'orders', 'x', { properties: { DELAY: '1' } })
  t.same(
    (await rig.topics.list()).map(({ names }) => names.rocketmq),
    ['orders']
  )
  for (const topic of ['rmq.sys.delayed', 'SCHEDULE_TOPIC_XXXX']) {
    t.not((await send(peer, topic, 'x')).code, 0, topic)
    t.equal((await pull(peer, { topic, offset: 0, subscription: '*' })).code, 17, topic)
  }
})

const nothing = { topic: '', brokerName: '', deliverMs: 0, uniqueKey: '' }

function recall(peer: RocketmqPeer, recallHandle: string, topic = 'orders'): Promise<Command> {
  return peer.askFor(recallMessageRequest, { producerGroup: 'p', topic, recallHandle })
}

t.test('a timer message that is recalled is never delivered, the others are', async (t) => {
  const { rig, peer } = await rigWith(t)
  const handles: string[] = []
  for (const body of ['a', 'b', 'c']) {
    const properties = { TIMER_DELAY_MS: '1000', UNIQ_KEY: `KEY-${body}` }
    const answer = await send(peer, 'orders', body, { properties })
    handles.push(answer.fields.get('recallHandle') ?? '')
  }
  const [a = '', b = '', c = ''] = handles
  for (const time of ['once', 'again']) {
    const answer = await recall(peer, a)
    t.equal(answer.code, 0, time)
    t.equal(answer.fields.get('msgId'), 'KEY-a')
  }
  // As somebody makes it who knows the words of a real one.
  const { place, ...made } = decodeRecallHandle(b) ?? { place: undefined, ...nothing }
  t.ok(place)
  t.equal((await recall(peer, encodeRecallHandle(made))).code, 0)
  await rig.clock.advance(1000)
  t.same(await bodies(peer), ['c'])
  t.match(await recall(peer, c), { code: 604, remark: 'recall failed, timestamp invalid' })
})

t.test('handles that are none, or of something else, recall nothing', async (t) => {
  const { rig, peer } = await rigWith(t)
  await rig.addTopic('other')
  const properties = { TIMER_DELAY_MS: '1000', UNIQ_KEY: 'KEY' }
  const answer = await send(peer, 'orders', 'x', { properties })
  const text = answer.fields.get('recallHandle') ?? ''
  const handle = decodeRecallHandle(text)
  if (handle === undefined) throw new Error('no handle')
  const changed = (more: Partial<typeof handle>) => encodeRecallHandle({ ...handle, ...more })
  t.match(await recall(peer, text, 'nowhere'), { code: 17 })
  t.match(await recall(peer, text, 'other'), {
    code: 604,
    remark: 'recall failed, topic not match'
  })
  t.match(await recall(peer, 'bm9uZQ=='), { code: 604, remark: 'recall handle is invalid' })
  t.match(await recall(peer, '?'), { code: 604, remark: 'recall handle is invalid' })
  t.match(await recall(peer, changed({ brokerName: 'broker-b' })), { code: 604 })
  t.match(await recall(peer, changed({ deliverMs: 1 })), { code: 604 })
  t.match(await recall(peer, changed({ topic: 'other' }), 'other'), { code: 0 })
  t.match(await recall(peer, changed({ uniqueKey: 'OTHER' })), { code: 0 })
  t.match(await recall(peer, changed({ place: { queue: 99, offset: 0 } })), { code: 0 })
  await rig.clock.advance(1000)
  t.same(await bodies(peer), ['x'])
})

t.test(
  'a real broker\u2019s handle is read, and made byte for byte but for our last word',
  async (t) => {
    const frames = rocketmqFixtures().filter(
      ({ name, direction }) => name === 'RECALL_MESSAGE' && direction === 'request'
    )
    t.ok(frames.length > 0)
    for (const { facts, file } of frames) {
      const text = facts.fields.recallHandle ?? ''
      const handle = decodeRecallHandle(text)
      t.match(handle, { topic: facts.fields.topic, brokerName: facts.fields.bname }, file)
      if (handle === undefined) continue
      t.ok(handle.deliverMs > 1.7e12)
      t.match(handle.uniqueKey, /^[0-9A-F]{32,56}$/)
      t.equal(encodeRecallHandle(handle), text)
    }
  }
)
