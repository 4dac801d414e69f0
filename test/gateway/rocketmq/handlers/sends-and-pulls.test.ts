import t from 'tap'
import { encodeClientBatch } from '../../../../gateway/broker/translate/client-batch.ts'
import {
  decodeOffsetId,
  physicalPlaceOf,
  propertyMap
} from '../../../../gateway/broker/translate/index.ts'
import { bodiesIn, messagesIn, pull, pullFields, StoreRig, send, textOf } from '../store-rig.ts'

t.test('what is sent is pulled: body, properties, place and id', async (t) => {
  const rig = await StoreRig.open(t)
  const id = await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const properties = { UNIQ_KEY: '0A', KEYS: 'k1', TAGS: 'A', colour: 'red', WAIT: 'true' }
  const sent = await send(peer, 'orders', 'one', { queueId: 1, properties })
  t.match(sent, { code: 0, remark: null })
  t.match(Object.fromEntries(sent.fields), {
    queueId: '1',
    queueOffset: '0',
    transactionId: '0A',
    MSG_REGION: 'DefaultRegion',
    TRACE_ON: 'true'
  })
  const place = decodeOffsetId(sent.fields.get('msgId') ?? '')
  t.equal(place?.storeHost.port, 10_911)
  t.same([...(place?.storeHost.address ?? [])], [127, 0, 0, 1])

  const answer = await pull(peer, { topic: 'orders', queueId: 1, offset: 0, subscription: '*' })
  t.match(answer, { code: 0, remark: 'FOUND' })
  t.match(Object.fromEntries(answer.fields), {
    suggestWhichBrokerId: '0',
    nextBeginOffset: '1',
    minOffset: '0',
    maxOffset: '1'
  })
  const [found, ...more] = messagesIn(answer)
  t.same(more, [])
  t.equal(found?.message.body.toString(), 'one')
  t.equal(found?.message.bornTimestampMs, 1_700_000_000_123)
  t.equal(found?.message.bornHost.port, 40_000)
  t.equal(found?.place.physicalOffset, place?.physicalOffset)
  t.equal(found?.place.storeTimestampMs, rig.clock.now())
  t.equal(found?.place.topic.toString(), 'orders')
  const queue = physicalPlaceOf(found?.place.physicalOffset ?? 0n)?.queue
  const topic = await rig.topics.findById(id)
  t.equal(queue, topic?.queues[1])
  const stored = propertyMap(found?.message.properties ?? Buffer.alloc(0))
  t.same(Object.fromEntries(stored), {
    UNIQ_KEY: '0A',
    KEYS: 'k1',
    TAGS: 'A',
    colour: 'red',
    MSG_REGION: 'DefaultRegion',
    TRACE_ON: 'true',
    CLUSTER: 'DefaultCluster'
  })
})

t.test('a topic is made by the first send to it, where its producer asked for that', async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.broker.connect()
  t.match(await send(peer, 'fresh', 'a', { queueId: 3 }), { code: 0 })
  t.equal((await rig.topics.findByName('fresh'))?.queues.length, 4)
  const closed = await StoreRig.open(t, { autoCreate: false })
  const refused = await send(closed.broker.connect(), 'fresh', 'a')
  t.match(refused, { code: 17, remark: 'topic[fresh] not exist, apply first please!' })
  t.equal(refused.fields.get('MSG_REGION'), 'DefaultRegion')
})

t.test('producers that send to a new topic at once get one topic', async (t) => {
  const rig = await StoreRig.open(t)
  const peers = Array.from({ length: 4 }, () => rig.broker.connect())
  const answers = await Promise.all(peers.map((peer) => send(peer, 'fresh', 'a')))
  t.same(
    answers.map(({ code }) => code),
    [0, 0, 0, 0]
  )
  const offsets = answers.map(({ fields }) => fields.get('queueOffset'))
  t.same(new Set(offsets), new Set(['0', '1', '2', '3']))
})

t.test('a send that cannot be kept is refused, and says why', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const refused = async (topic: string, body: string, more: Parameters<typeof send>[3] = {}) => {
    const { code, remark } = await send(peer, topic, body, more)
    return [code, remark]
  }
  t.match(await refused('a.b', 'x'), [29, /illegal characters/])
  t.match(await refused('SCHEDULE_TOPIC_XXXX', 'x'), [16, /is forbidden/])
  t.match(await refused('TBW102', 'x'), [16, /is forbidden/])
  t.match(await refused('orders', 'x', { queueId: 2 }), [29, /queueId\[2\] is illegal/])
  t.match(await refused('orders', ''), [13, /the body is empty/])
  t.match(await refused('orders', 'x'.repeat(4 * 1024 * 1024 + 1)), [13, /4194304/])
  const long = { properties: { a: 'x'.repeat(32_768) } }
  t.match(await refused('orders', 'x', long), [13, /of properties/])
  t.match(await refused('orders', 'x', { sysFlag: 4 }), [13, /without TRAN_MSG/])
  const nothing = await pull(peer, { topic: 'orders', offset: 0, subscription: '*' })
  t.match(nothing, { code: 19, remark: 'NO_MESSAGE_IN_QUEUE' }, 'nothing of it was kept')
})

t.test('any queue is one that is written to', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 3)
  const peer = rig.broker.connect()
  const chosen = new Set<string | undefined>()
  for (let i = 0; i < 40; i++) {
    const { code, fields } = await send(peer, 'orders', 'x', { queueId: -1 })
    t.equal(code, 0)
    chosen.add(fields.get('queueId'))
  }
  t.same([...chosen].sort(), ['0', '1', '2'])
})

t.test('a batch is stored message by message, and its answer names them all', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const batch = ['one', 'two', 'three'].map((body, i) => ({
    flag: i,
    body: Buffer.from(body),
    properties: Buffer.from(textOf({ UNIQ_KEY: `K${i}`, TAGS: i === 1 ? 'B' : 'A' }))
  }))
  const fields = {
    ...{ a: 'p', b: 'orders', c: 'TBW102', d: '4', e: '0', f: '0', g: '5', h: '0' },
    ...{ i: textOf({ UNIQ_KEY: 'ENV' }), m: 'true' }
  }
  const sent = await peer.ask(320, { fields, body: encodeClientBatch(batch) })
  t.equal(sent.code, 0)
  t.equal(sent.fields.get('queueOffset'), '0')
  const ids = (sent.fields.get('msgId') ?? '').split(',')
  const found = messagesIn(await pull(peer, { topic: 'orders', offset: 0, subscription: 'A' }))
  t.same(
    found.map(({ message }) => [message.body.toString(), message.flag]),
    [
      ['one', 0],
      ['three', 2]
    ]
  )
  t.equal(decodeOffsetId(ids[2] ?? '')?.physicalOffset, found[1]?.place.physicalOffset)
  t.equal(ids.length, 3)
  const cut = encodeClientBatch(batch).subarray(0, -1)
  t.match(await peer.ask(320, { fields, body: cut }), { code: 13 })
})

t.test('pulls outside the queue are told where to go on', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  for (const body of ['a', 'b', 'c']) await send(peer, 'orders', body)
  const at = async (queueId: number, offset: number) => {
    const { code, remark, fields } = await pull(peer, {
      ...{ topic: 'orders', queueId, offset },
      subscription: '*'
    })
    return [code, remark, fields.get('nextBeginOffset')]
  }
  t.same(await at(0, 100), [21, 'OFFSET_OVERFLOW_BADLY', '3'])
  t.same(await at(0, -1), [21, 'OFFSET_TOO_SMALL', '0'])
  t.same(await at(0, 3), [19, 'OFFSET_OVERFLOW_ONE', '3'])
  t.same(await at(1, 0), [19, 'NO_MESSAGE_IN_QUEUE', '0'])
  t.same(await at(1, 5), [21, 'NO_MESSAGE_IN_QUEUE', '0'])
  const queue = await pull(peer, { topic: 'orders', queueId: 9, offset: 0, subscription: '*' })
  t.match(queue, { code: 29, remark: /queueId\[9\] is illegal, topic:\[orders\]/ })
  const topic = await pull(peer, { topic: 'none', offset: 0, subscription: '*' })
  t.match(topic, { code: 17, remark: 'topic[none] not exist, apply first please! ' })
})

t.test('a pull takes no more than it asks for, and the next one goes on there', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const sent = Array.from({ length: 10 }, (_, i) => `body-${i}`)
  await Promise.all(sent.map(() => rig.broker.connect()).map((p, i) => send(p, 'orders', sent[i]!)))
  const all: string[] = []
  for (let offset = 0; offset < 10; ) {
    const answer = await pull(peer, { topic: 'orders', offset, subscription: '*', countMax: 3 })
    const bodies = bodiesIn(answer)
    t.ok(bodies.length >= 1 && bodies.length <= 3)
    all.push(...bodies)
    offset = Number(answer.fields.get('nextBeginOffset'))
  }
  t.same(all.sort(), sent)
})

t.test('a held pull is answered when something comes, and others are not held up', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const fields = pullFields({ topic: 'orders', offset: 0, subscription: '*', waitMs: 15_000 })
  const held = peer.send(11, { fields })
  const other = await pull(peer, { topic: 'orders', queueId: 1, offset: 0, subscription: '*' })
  t.equal(other.code, 19, 'the same connection goes on')
  await rig.clock.advance(5000)
  t.match(await send(rig.broker.connect(), 'orders', 'late'), { code: 0 })
  const answer = await peer.next()
  t.match(answer, { opaque: held, code: 0 })
  t.same(bodiesIn(answer!), ['late'])
})

t.test('a held pull that nothing comes for is answered in time', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const fields = pullFields({ topic: 'orders', offset: 0, subscription: 'A', waitMs: 15_000 })
  peer.send(11, { fields })
  await rig.clock.advance(14_000)
  await send(rig.broker.connect(), 'orders', 'other', { properties: { TAGS: 'B' } })
  await rig.clock.advance(999)
  t.equal(rig.broker.handled.filter(({ request }) => request === 'PULL_MESSAGE').length, 0)
  await rig.clock.advance(1)
  const answer = await peer.next()
  t.match(answer, { code: 20, remark: 'NO_MATCHED_MESSAGE' })
  t.equal(answer?.fields.get('nextBeginOffset'), '1', 'what its filter did not want is behind it')
})

t.test('a lite pull is the same as a pull', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  await send(peer, 'orders', 'a')
  const fields = pullFields({ topic: 'orders', offset: 0, subscription: '*' })
  t.same(bodiesIn(await peer.ask(361, { fields })), ['a'])
})
