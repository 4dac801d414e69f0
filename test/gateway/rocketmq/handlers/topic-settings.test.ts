import t, { type Test } from 'tap'
import { encodeClientBatch } from '../../../../gateway/broker/translate/client-batch.ts'
import type { Command } from '../../../../gateway/rocketmq/codec/index.ts'
import { updateAndCreateTopicRequest } from '../../../../gateway/rocketmq/headers/update-and-create-topic.ts'
import type { RocketmqPeer } from '../rig.ts'
import { messagesIn, pull, StoreRig, send, textOf } from '../store-rig.ts'

const codes = { create: 17, createList: 18, all: 21, config: 351, drop: 215, dropRoute: 216 }
const [wipesWrite, addsWrite] = [205, 327]

interface Wish {
  readQueueNums?: number
  writeQueueNums?: number
  perm?: number
  topicFilterType?: string
  topicSysFlag?: number
  order?: boolean
  attributes?: string
}

function create(peer: RocketmqPeer, topic: string, wish: Wish = {}): Promise<Command> {
  const queues = { readQueueNums: 4, writeQueueNums: 4 }
  return peer.askFor(updateAndCreateTopicRequest, { topic, ...queues, perm: 6, ...wish })
}

async function open(t: Test) {
  const rig = await StoreRig.open(t)
  const [peer, namesrv] = [rig.broker.connect(), rig.namesrv.connect()]
  const config = async (topic: string) => {
    const answer = await peer.ask(codes.config, { fields: { topic } })
    return answer.code === 0 ? JSON.parse(answer.body.toString()) : answer
  }
  const route = async (topic: string) => {
    const answer = await namesrv.ask(105, { fields: { topic } })
    return answer.code === 0 ? JSON.parse(answer.body.toString()).queueDatas[0] : answer
  }
  return { rig, peer, namesrv, config, route }
}

t.test('a topic that a tool makes has what it says, in its route and for Kafka', async (t) => {
  const { rig, peer, route } = await open(t)
  t.match(await create(peer, 'a%b', { readQueueNums: 2, writeQueueNums: 5, perm: 4 }), { code: 0 })
  const answer = await peer.ask(codes.config, { fields: { topic: 'a%b' } })
  t.equal(
    answer.body.toString(),
    '{"attributes":{},"order":false,"perm":4,"readQueueNums":2,"topicFilterType":"SINGLE_TAG",' +
      '"topicName":"a%b","topicSysFlag":0,"writeQueueNums":5}',
    'byte for byte as a real broker says it'
  )
  t.match(await route('a%b'), { readQueueNums: 2, writeQueueNums: 5, perm: 4 })
  const topic = await rig.topics.findByName('rmq.name.a.25b')
  t.equal(topic?.queues.length, 5, 'as many queues as either number')
})

t.test('settings are replaced; queues become more and never fewer', async (t) => {
  const { rig, peer, config, route } = await open(t)
  await create(peer, 'T', { order: true, topicSysFlag: 1, topicFilterType: 'MULTI_TAG', perm: 7 })
  const first = { order: true, topicSysFlag: 1, topicFilterType: 'MULTI_TAG', perm: 7 }
  t.match(await config('T'), first)
  t.match(await route('T'), { perm: 7 })
  const before = await rig.topics.findByName('T')
  await create(peer, 'T', { readQueueNums: 1, writeQueueNums: 2 })
  t.match(await config('T'), { order: false, topicSysFlag: 0, topicFilterType: 'SINGLE_TAG' })
  t.match(await config('T'), { readQueueNums: 1, writeQueueNums: 2, perm: 6 })
  const narrowed = await rig.topics.findByName('T')
  t.same(narrowed?.queues, before?.queues, 'no queue is lost')
  t.match(await send(peer, 'T', 'x', { queueId: 1 }), { code: 0 })
  t.match(await send(peer, 'T', 'x', { queueId: 2 }), { code: 29 })
  const behind = { topic: 'T', queueId: 1, offset: 0, subscription: '*' }
  t.match(await pull(peer, behind), { code: 29 }, 'a queue that is written and not read')
  await create(peer, 'T', { readQueueNums: 6, writeQueueNums: 2 })
  t.equal((await rig.topics.findByName('T'))?.queues.length, 6)
  t.match(await pull(peer, behind), { code: 0 }, 'what was sent is still there')
  await create(peer, 'T', { readQueueNums: 0, writeQueueNums: 0, perm: 0 })
  t.match(await route('T'), { readQueueNums: 0, writeQueueNums: 0, perm: 0 })
})

t.test("Kafka's settings and RocketMQ's do not touch each other", async (t) => {
  const { rig, peer, config } = await open(t)
  await create(peer, 'T', { order: true, attributes: '+message.type=FIFO' })
  const topic = await rig.topics.findByName('T')
  const seen: unknown[] = []
  await rig.topics.editConfig(topic?.id ?? '', (present) => {
    seen.push(present)
    return { 'retention.ms': '5' }
  })
  t.same(seen, [{}], 'they do not see them')
  t.match(await config('T'), { order: true, attributes: { 'message.type': 'FIFO' } })
  await create(peer, 'T', { order: false })
  const { config: own } = (await rig.topics.findByName('T')) ?? {}
  t.match(own, { 'retention.ms': '5' })
  t.match(await config('T'), { order: false, attributes: { 'message.type': 'FIFO' } })
})

t.test("a topic's attributes are what its creator said, and what may change does", async (t) => {
  const { rig, peer, config } = await open(t)
  t.match(await create(peer, 'T', { attributes: '+message.type=DELAY,+cleanup.policy=DELETE' }), {
    code: 0
  })
  t.equal((await rig.topics.findByName('T'))?.messageType, 'DELAY')
  t.match(await create(peer, 'T', { attributes: '-message.type' }), { code: 0 })
  t.same((await config('T')).attributes, { 'cleanup.policy': 'DELETE' })
  t.equal((await rig.topics.findByName('T'))?.messageType, 'NORMAL')
  const refused = await create(peer, 'T', { attributes: '+cleanup.policy=COMPACTION' })
  t.match(refused, { code: 1, remark: /unchangeable attribute. key: cleanup.policy/ })
  const mixed = await create(peer, 'M', { attributes: '+message.type=MIXED' })
  t.match(mixed, { code: 29, remark: 'MIXED message type is not supported.' })
  t.match(await config('M'), { code: 17 })
})

t.test('messages of a compacted topic need keys', async (t) => {
  const { rig, peer } = await open(t)
  await create(peer, 'C', { attributes: '+cleanup.policy=COMPACTION' })
  const { config } = (await rig.topics.findByName('C')) ?? {}
  t.match(config, { 'cleanup.policy': 'compact' }, "it is Kafka's setting, too")
  const remark = 'Required message key is missing'
  t.match(await send(peer, 'C', 'x'), { code: 13, remark })
  t.match(await send(peer, 'C', 'x', { properties: { KEYS: ' ' } }), { code: 13, remark })
  t.match(await send(peer, 'C', 'x', { properties: { KEYS: 'k' } }), { code: 0 })
  const batchOf = (...keys: Record<string, string>[]) =>
    keys.map((properties, i) => ({
      flag: i,
      body: Buffer.from('x'),
      properties: Buffer.from(textOf(properties))
    }))
  const fields = {
    ...{ a: 'p', b: 'C', c: 'TBW102', d: '4', e: '0', f: '0', g: '5', h: '0' },
    ...{ i: textOf({ UNIQ_KEY: 'ENV' }), m: 'true' }
  }
  const sendBatch = (...keys: Record<string, string>[]) =>
    peer.ask(320, { fields, body: encodeClientBatch(batchOf(...keys)) })
  t.match(await sendBatch({ KEYS: 'a' }, { TAGS: 'b' }), { code: 13, remark }, 'not even the first')
  t.match(await sendBatch({ KEYS: 'a' }, { KEYS: 'b' }), { code: 0 })
})

t.test('messages of a topic of several tags are marked so', async (t) => {
  const { peer } = await open(t)
  await create(peer, 'M', { topicFilterType: 'MULTI_TAG' })
  await send(peer, 'M', 'x')
  const found = await pull(peer, { topic: 'M', offset: 0, subscription: '*' })
  t.equal(messagesIn(found)[0]?.message.sysFlag, 2)
})

t.test('names and numbers that cannot be are refused as by a real broker', async (t) => {
  const { peer } = await open(t)
  const conflict = (name: string) => `The topic[${name}] is conflict with system topic.`
  const refusals = [
    ['a.b', 'The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$'],
    ['%RETRY%'.padEnd(128, 'x'), 'The specified topic is longer than topic max length.'],
    [' ', 'The specified topic is blank.'],
    ...['TBW102', 'DefaultCluster', 'broker-a', 'rmq_sys_x', 'DefaultCluster_REPLY_TOPIC'].map(
      (name) => [name, conflict(name)]
    )
  ] as [string, string][]
  for (const [name, remark] of refusals)
    t.match(await create(peer, name), { code: 29, remark }, name)
  const filter = await create(peer, 'T', { topicFilterType: 'X' })
  t.match(filter, { code: 1, remark: 'topicFilterType = [X] value invalid' })
  t.match(await create(peer, 'T', { readQueueNums: -1 }), { code: 29 })
  t.match(await create(peer, 'T', { readQueueNums: 10_001 }), { code: 29 })
  t.match(await peer.ask(codes.config, { fields: { topic: 'T' } }), {
    code: 17,
    remark: 'No topic in this broker. topic: T'
  })
})

t.test('several topics at once: all that are asked for, or none where one cannot be', async (t) => {
  const { peer, config } = await open(t)
  const list = (topicConfigList: object[]) =>
    peer.ask(codes.createList, { body: Buffer.from(JSON.stringify({ topicConfigList })) })
  const one = { topicName: 'A', readQueueNums: 1, writeQueueNums: 2, order: true }
  const attributes = { '+message.type': 'FIFO' }
  t.match(await list([{ ...one, attributes }, { topicName: 'B' }]), { code: 0 })
  t.match(await config('A'), { ...one, attributes: { 'message.type': 'FIFO' } })
  t.match(await config('B'), { readQueueNums: 16, writeQueueNums: 16, perm: 6 })
  t.match(await list([{ topicName: 'C' }, { topicName: 'not.one' }]), { code: 29 })
  t.match(await config('C'), { code: 17 })
})

t.test('tools that make one topic at once all succeed', async (t) => {
  const { rig, config } = await open(t)
  const wishes = [1, 2, 3, 4].map((n) => ({ readQueueNums: n, writeQueueNums: n }))
  const answers = await Promise.all(
    wishes.map((wish) => create(rig.broker.connect(), 'raced', wish))
  )
  t.same(
    answers.map(({ code }) => code),
    [0, 0, 0, 0]
  )
  const { readQueueNums, writeQueueNums } = await config('raced')
  t.equal(readQueueNums, writeQueueNums, 'what one of them said')
  const topics = await rig.topics.list()
  t.equal(topics.filter(({ names }) => names.rocketmq === 'raced').length, 1)
})

t.test('all settings are told, with a version that changes when they do', async (t) => {
  const { rig, peer } = await open(t)
  await create(peer, 'T')
  await rig.topics.findOrCreate('of.kafka', true)
  const all = async () => JSON.parse((await peer.ask(codes.all)).body.toString())
  const first = await all()
  t.same(Object.keys(first.topicConfigTable).sort(), ['T', 'TBW102', 'of|2Ekafka'])
  t.match(first.topicConfigTable.TBW102, { perm: 7, readQueueNums: 8 })
  t.same(await all(), first)
  await create(peer, 'T', { perm: 4 })
  const second = await all()
  t.equal(second.topicConfigTable.T.perm, 4)
  t.not(second.dataVersion.counter, first.dataVersion.counter)
})

t.test(
  'a deleted topic is gone with its messages; one that never was is gone already',
  async (t) => {
    const { peer, namesrv, config, route } = await open(t)
    await create(peer, 'T')
    await send(peer, 'T', 'x')
    const drop = (topic: string) => peer.ask(codes.drop, { fields: { topic } })
    t.match(await drop('T'), { code: 0 })
    const onNamesrv = { fields: { topic: 'T', clusterName: 'DefaultCluster' } }
    t.match(await namesrv.ask(codes.dropRoute, onNamesrv), { code: 0 })
    t.match(await config('T'), { code: 17 })
    t.match(await route('T'), { code: 17 })
    t.match(await drop('T'), { code: 0 })
    t.match(await drop('TBW102'), { code: 29, remark: /conflict with system topic/ })
    t.match(await drop(''), { code: 29, remark: 'The specified topic is blank.' })
    await create(peer, 'T')
    t.match(await pull(peer, { topic: 'T', offset: 0, subscription: '*' }), { code: 19 }, 'empty')
  }
)

t.test('who may not read is told so; who may not write is told by the route alone', async (t) => {
  const { peer, route } = await open(t)
  await create(peer, 'T', { perm: 4 })
  t.match(await send(peer, 'T', 'x'), { code: 0 }, 'as a real broker')
  await create(peer, 'T', { perm: 2 })
  t.match(await pull(peer, { topic: 'T', offset: 0, subscription: '*' }), {
    code: 16,
    remark: 'the topic[T] pulling message is forbidden',
    fields: new Map([['forbiddenType', '3']])
  })
  t.match(await route('T'), { perm: 2 })
})

t.test('the permission to write is taken from all routes and given back', async (t) => {
  const { peer, namesrv, config, route } = await open(t)
  await create(peer, 'A')
  await create(peer, 'B', { perm: 4 })
  const ask = (code: number, brokerName: string) => namesrv.ask(code, { fields: { brokerName } })
  const wiped = await ask(wipesWrite, 'broker-a')
  t.match(wiped, { code: 0, fields: new Map([['wipeTopicCount', '3']]) }, 'TBW102 is one')
  t.equal((await route('A')).perm, 4)
  t.equal((await route('TBW102')).perm, 5)
  t.equal((await config('A')).perm, 6, 'the topic itself is as it was')
  await create(peer, 'A')
  t.equal((await route('A')).perm, 4, 'nothing changed')
  await create(peer, 'A', { readQueueNums: 3 })
  t.equal((await route('A')).perm, 6, 'settings that change are told')
  await create(peer, 'C')
  t.equal((await route('C')).perm, 6)
  const added = await ask(addsWrite, 'broker-a')
  t.match(added, { code: 0, fields: new Map([['addTopicCount', '4']]) })
  t.equal((await route('B')).perm, 6, 'whatever it was')
  t.match(await ask(wipesWrite, 'none'), { fields: new Map([['wipeTopicCount', '0']]) })
})
