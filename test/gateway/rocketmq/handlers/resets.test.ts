import t from 'tap'
import { toKafkaGroupName } from '../../../../gateway/broker/names.ts'
import { OffsetResets } from '../../../../gateway/rocketmq/clients/offset-resets.ts'
import { parseJson } from '../../../../gateway/rocketmq/codec/index.ts'
import type { RocketmqPeer } from '../rig.ts'
import { beat, bodiesIn, pull, pullFields, StoreRig, send } from '../store-rig.ts'

const queryOffset = 14
const updateOffset = 15
const reset = 222
const cloneOffsets = 314

async function join(peer: RocketmqPeer, group: string, topic: string): Promise<void> {
  await beat(peer, 'c1', group, { [topic]: '*' }).catch(() => peer.next())
}

function resetTo(peer: RocketmqPeer, fields: Readonly<Record<string, string>>) {
  return peer.ask(reset, { fields: { topic: 'orders', group: 'g', isForce: 'true', ...fields } })
}

function offsetsIn(body: Buffer): Record<string, number> {
  const { offsetTable } = parseJson(body.toString()) as { offsetTable: Record<string, number> }
  const entries = Object.entries(offsetTable).map(([queue, offset]) => {
    return [String((parseJson(queue) as { queueId: number }).queueId), offset] as const
  })
  return Object.fromEntries(entries)
}

async function placeOf(peer: RocketmqPeer, group = 'g', queueId = 0): Promise<string | undefined> {
  const fields = { consumerGroup: group, topic: 'orders', queueId: `${queueId}` }
  const { code, fields: said } = await peer.ask(queryOffset, { fields })
  return code === 0 ? said.get('offset') : `${code}`
}

function commit(peer: RocketmqPeer, offset: number) {
  const place = { consumerGroup: 'g', topic: 'orders', queueId: '0', commitOffset: `${offset}` }
  return peer.ask(updateOffset, { fields: place })
}

t.test('places are given anew by time, in all queues or in one, and by offset', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 2)
  const peer = rig.broker.connect()
  for (const body of ['a', 'b', 'c']) {
    await send(peer, 'orders', body)
    await rig.clock.advance(1000)
  }
  const secondMs = rig.clock.now() - 2000
  t.match(await resetTo(peer, { timestamp: '-1' }), { code: 26, remark: 'Group g does not exist' })
  await commit(peer, 1)
  t.same(offsetsIn((await resetTo(peer, { timestamp: '-1' })).body), { 0: 3, 1: 0 })
  t.equal(await placeOf(peer), '3', 'stored with nobody online')
  t.same(offsetsIn((await resetTo(peer, { timestamp: `${secondMs}` })).body), { 0: 1, 1: 0 })
  t.same(offsetsIn((await resetTo(peer, { timestamp: '0', queueId: '0' })).body), { 0: 0 })
  const byOffset = await resetTo(peer, { timestamp: '0', queueId: '0', offset: '2' })
  t.same(offsetsIn(byOffset.body), { 0: 2 })
  t.equal(await placeOf(peer), '2')
  t.match(await resetTo(peer, { timestamp: '0', queueId: '0', offset: '9' }), {
    code: 1,
    remark: 'Target offset 9 not in consume queue range [0-3]'
  })
  t.match(await resetTo(peer, { timestamp: '0', queueId: '7' }), { code: 29 })
  t.match(await resetTo(peer, { timestamp: '0', topic: 'nowhere' }), { code: 17 })
  t.equal(await placeOf(peer), '2', 'nothing changed')
})

t.test('a consumer that pulls is told once, and commits nothing before', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 1)
  const peer = rig.broker.connect()
  for (const body of ['a', 'b', 'c']) await send(peer, 'orders', body)
  await join(peer, 'g', 'orders')
  await commit(peer, 3)
  const tool = rig.broker.connect()
  t.equal((await resetTo(tool, { timestamp: '0' })).code, 0)
  t.match(await commit(peer, 3), { code: 0, remark: 'Offset has been previously reset' })
  const told = await pull(peer, { topic: 'orders', offset: 3, commitOffset: 3 })
  t.match(told, { code: 21, remark: 'OFFSET_RESET' })
  t.same(
    ['nextBeginOffset', 'minOffset', 'maxOffset'].map((name) => told.fields.get(name)),
    ['0', '0', '3']
  )
  t.equal(await placeOf(tool), '0', 'neither commit was taken')
  t.same(bodiesIn(await pull(peer, { topic: 'orders', offset: 0 })), ['a', 'b', 'c'])
  await commit(peer, 2)
  t.equal(await placeOf(tool), '2', 'its commits count again')
})

t.test('a held pull is told at once', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 2)
  const [peer, tool] = [rig.broker.connect(), rig.broker.connect()]
  await send(tool, 'orders', 'a')
  await join(peer, 'g', 'orders')
  await join(tool, 'other', 'orders')
  const held = (group: string, queueId: number) => {
    const offset = queueId === 0 ? 1 : 0
    const fields = pullFields({ topic: 'orders', offset, group, queueId, waitMs: 15_000 })
    return peer.send(11, { fields })
  }
  const mine = held('g', 0)
  held('g', 1)
  held('other', 0)
  t.equal((await resetTo(tool, { timestamp: '0' })).code, 0)
  const answer = await peer.next()
  t.match(answer, { opaque: mine, code: 21, remark: 'OFFSET_RESET' })
  t.equal(answer?.fields.get('nextBeginOffset'), '0')
  t.equal(await peer.next(), undefined, 'the others wait on: their place is what it was')
})

t.test(
  'a consumer that is there already, or that Kafka went on from, is told nothing',
  async (t) => {
    const rig = await StoreRig.open(t)
    const topicId = await rig.addTopic('orders', 1)
    const peer = rig.broker.connect()
    for (const body of ['a', 'b', 'c']) await send(peer, 'orders', body)
    await join(peer, 'g', 'orders')
    await commit(peer, 3)
    await resetTo(peer, { timestamp: '0' })
    t.same(bodiesIn(await pull(peer, { topic: 'orders', offset: 0 })), ['a', 'b', 'c'])
    await resetTo(peer, { timestamp: '0' })
    const entry = { topicId, queue: 0, offset: 2, leaderEpoch: -1, metadata: '' }
    await rig.groups.offsets.commit(toKafkaGroupName('g'), [entry])
    t.same(bodiesIn(await pull(peer, { topic: 'orders', offset: 2 })), ['c'])
    rig.groups.ownership.release('g', 'rocketmq')
    rig.groups.ownership.claim('g', {
      protocol: 'kafka',
      reads: () => true,
      members: () => [],
      topics: () => undefined
    })
    t.match(await resetTo(peer, { timestamp: '0' }), { code: 16, remark: /Kafka/ })
  }
)

t.test('resets that nobody is told have a limit', async (t) => {
  const resets = new OffsetResets(2)
  const queue = (queueId: number) => ({ group: 'g', topicId: 't', queueId })
  for (const queueId of [0, 1, 2]) {
    resets.begin(queue(queueId), 5)
    t.equal(resets.offsetOf(queue(queueId)), undefined, 'not stored yet')
    resets.stored(queue(queueId))
  }
  t.same(
    [0, 1, 2].map((id) => resets.offsetOf(queue(id))),
    [undefined, 5, 5]
  )
})

t.test("a group's places become another group's", async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 2)
  await rig.addTopic('others', 1)
  const peer = rig.broker.connect()
  const at = (topic: string, queueId: number, offset: number) => {
    const place = { consumerGroup: 'g', topic, queueId: `${queueId}`, commitOffset: `${offset}` }
    return peer.ask(updateOffset, { fields: place })
  }
  await at('orders', 0, 7)
  await at('orders', 1, 8)
  await at('others', 0, 9)
  const clone = (fields: Readonly<Record<string, string>>) =>
    peer.ask(cloneOffsets, { fields: { srcGroup: 'g', ...fields } })
  const place = async (group: string, topic: string, queueId: number) => {
    const fields = { consumerGroup: group, topic, queueId: `${queueId}` }
    return (await peer.ask(queryOffset, { fields })).fields.get('offset')
  }
  t.equal((await clone({ destGroup: 'one', topic: 'orders' })).code, 0)
  t.same([await place('one', 'orders', 0), await place('one', 'orders', 1)], ['7', '8'])
  t.equal(await place('one', 'others', 0), undefined)
  t.equal((await clone({ destGroup: 'all' })).code, 0)
  t.same([await place('all', 'orders', 1), await place('all', 'others', 0)], ['8', '9'])
  await join(peer, 'g', 'orders')
  await clone({ destGroup: 'wanted' })
  t.same([await place('wanted', 'orders', 1), await place('wanted', 'others', 0)], ['8', undefined])
  await clone({ destGroup: 'offline', offline: 'true' })
  t.equal(await place('offline', 'others', 0), '9')
  t.equal((await clone({ destGroup: 'no', topic: 'nowhere' })).code, 0)
  t.equal((await clone({ destGroup: 'no group' })).code, 29)
})
