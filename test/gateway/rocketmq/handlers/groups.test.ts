import t from 'tap'
import { toKafkaGroupName } from '../../../../gateway/broker/names.ts'
import type { Command } from '../../../../gateway/rocketmq/codec/index.ts'
import type { RocketmqPeer } from '../rig.ts'
import { beat, bodiesIn, pull, StoreRig, send } from '../store-rig.ts'

const asksMembers = 38
const notified = 40

async function membersOf(peer: RocketmqPeer, group: string): Promise<string[] | Command> {
  const answer = await peer.ask(asksMembers, { fields: { consumerGroup: group } })
  if (answer.code !== 0) return answer
  return JSON.parse(answer.body.toString()).consumerIdList
}

/** Answers `count` commands and returns them; the rest stays. */
async function take(peer: RocketmqPeer, count: number): Promise<(Command | undefined)[]> {
  const all = []
  for (let i = 0; i < count; i++) all.push(await peer.next())
  return all
}

/** Sends a heartbeat; what the server tells and asks meanwhile comes first. */
async function join(peer: RocketmqPeer, clientId: string, group: string): Promise<void> {
  const told = beat(peer, clientId, group, { orders: '*' })
  await t.rejects(told, /an answer to/, 'the change is told before the answer')
  await peer.next()
}

t.test('members of a group are told of each other, and of who leaves', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const [one, two] = [rig.broker.connect(), rig.broker.connect()]
  t.match(await membersOf(one, 'g'), { code: 1, remark: 'no consumer for this group, g' })
  await join(one, 'c1', 'g')
  t.same(await membersOf(one, 'g'), ['c1'])
  await join(two, 'c2', 'g')
  t.match(await one.next(), { code: notified, flag: 2, fields: new Map([['consumerGroup', 'g']]) })
  t.same(await membersOf(one, 'g'), ['c1', 'c2'])
  t.same(await membersOf(two, 'g'), ['c1', 'c2'], 'the same list for each')

  t.match(await beat(two, 'c2', 'g', { orders: '*' }), { code: 0 }, 'nothing new, nobody told')
  t.equal((await one.ask(asksMembers, { fields: { consumerGroup: 'g' } })).code, 0)

  two.socket.destroy()
  t.match(await one.next(), { code: notified })
  t.same(await membersOf(one, 'g'), ['c1'])
  const gone = await one.ask(35, { fields: { clientID: 'c1', consumerGroup: 'g' } })
  t.equal(gone.code, 0)
  t.match(await membersOf(one, 'g'), { code: 1 })
})

t.test('a client that comes again on another connection is one member', async (t) => {
  const rig = await StoreRig.open(t)
  const [before, after] = [rig.broker.connect(), rig.broker.connect()]
  await join(before, 'c1', 'g')
  await join(after, 'c1', 'g')
  t.same(await membersOf(after, 'g'), ['c1'])
  before.socket.destroy()
  t.same(await membersOf(after, 'g'), ['c1'], 'the old connection takes nothing with it')
})

t.test('a client that is not heard of for two minutes is gone', async (t) => {
  const rig = await StoreRig.open(t)
  const [silent, alive] = [rig.broker.connect(), rig.broker.connect()]
  await join(silent, 'c1', 'g')
  await join(alive, 'c2', 'g')
  t.equal((await silent.next())?.code, notified)
  for (let i = 0; i < 4; i++) {
    t.same(await membersOf(alive, 'g'), ['c1', 'c2'])
    await rig.clock.advance(30_000)
    if (i < 3) t.equal((await beat(alive, 'c2', 'g', { orders: '*' })).code, 0)
  }
  t.equal((await alive.next())?.code, notified)
  t.same(await membersOf(alive, 'g'), ['c2'])
})

t.test('nobody is told in a group that broadcasts', async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.broker.connect()
  const answer = await beat(peer, 'c1', 'g', { orders: '*' }, { messageModel: 'BROADCASTING' })
  t.equal(answer.code, 0)
  t.same(await membersOf(peer, 'g'), ['c1'])
})

t.test("a group's retry topic has a route as soon as it has a member", async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.broker.connect()
  await join(peer, 'c1', 'g')
  const answer = await rig.namesrv.connect().ask(105, { fields: { topic: '%RETRY%g' } })
  const [queues] = JSON.parse(answer.body.toString()).queueDatas
  t.match(queues, { readQueueNums: 1, writeQueueNums: 1, perm: 6 })
})

t.test("a pull without a filter of its own has its group's", async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  for (const tag of ['A', 'B', 'C', 'A']) {
    await send(peer, 'orders', `of ${tag}`, { properties: { TAGS: tag } })
  }
  await send(peer, 'orders', 'of none')
  t.match(await pull(peer, { topic: 'orders', offset: 0 }), { code: 24 }, 'no group')
  const beats = beat(peer, 'c1', 'g', { orders: 'A || C' }, { version: 7 })
  await t.rejects(beats)
  await peer.next()
  const found = await pull(peer, { topic: 'orders', offset: 0, subVersion: 7 })
  t.same(bodiesIn(found), ['of A', 'of C', 'of A'])
  t.equal(found.fields.get('nextBeginOffset'), '5', 'what is filtered out is behind it')
  t.match(await pull(peer, { topic: 'orders', offset: 4, subVersion: 7 }), { code: 20 })
  t.match(await pull(peer, { topic: 'orders', offset: 0, subVersion: 8 }), { code: 25 })
  await rig.addTopic('other')
  t.match(await pull(peer, { topic: 'other', offset: 0 }), { code: 24 }, 'not subscribed')
  t.match(await pull(peer, { topic: 'orders', offset: 0, subscription: '||' }), { code: 23 })
})

t.test('a group is where it said it is, and a new one is told where it may begin', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const place = { consumerGroup: 'g', topic: 'orders', queueId: '0' }
  const query = async (more = {}) => {
    const { code, fields } = await peer.ask(14, { fields: { ...place, ...more } })
    return code === 0 ? fields.get('offset') : code
  }
  t.equal(await query(), 22, 'an empty queue')
  for (const body of ['a', 'b', 'c']) await send(peer, 'orders', body)
  t.equal(await query(), '0', 'the queue has its first message still')
  t.equal(await query({ setZeroIfNotFound: 'false' }), 22)
  const commit = (fields = {}) =>
    peer.ask(15, { fields: { ...place, commitOffset: '2', ...fields } })
  t.equal((await commit()).code, 0)
  t.equal(await query(), '2')
  t.equal((await commit({ commitOffset: '1' })).code, 0)
  t.equal(await query(), '1', 'it may go back')
  t.match(await commit({ topic: 'none' }), { code: 17, remark: 'Topic none not exist!' })
  t.match(await commit({ queueId: '7' }), { code: 29 })
  t.match(await commit({ consumerGroup: 'a b' }), { code: 26, remark: 'Group a b not exist!' })
  await pull(peer, { topic: 'orders', offset: 2, subscription: '*', commitOffset: 2 })
  t.equal(await query(), '2', 'a pull may say it too')
})

t.test("a queue's ends, and where it was at a time", async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const at: number[] = []
  for (const body of ['a', 'b', 'c']) {
    await rig.clock.advance(1000)
    at.push(rig.clock.now())
    await send(peer, 'orders', body)
  }
  const ask = async (code: number, fields = {}) => {
    const asked = { topic: 'orders', queueId: '0', ...fields }
    return (await peer.ask(code, { fields: asked })).fields.get('offset')
  }
  t.equal(await ask(30), '3')
  t.equal(await ask(31), '0')
  t.equal(await ask(30, { topic: 'none' }), '0')
  const [first = 0, second = 0, third = 0] = at
  const search = (timestamp: number, boundaryType = 'LOWER') =>
    ask(29, { timestamp: `${timestamp}`, boundaryType })
  t.equal(await search(second), '1')
  t.equal(await search(second + 1), '2')
  t.equal(await search(third + 1), '3', 'nothing is so late')
  t.equal(await search(0), '0')
  t.equal(await search(second, 'upper'), '1')
  t.equal(await search(third - 1, 'UPPER'), '1')
  t.equal(await search(third + 9, 'UPPER'), '2')
  t.equal(await search(first - 1, 'UPPER'), '0')
})

t.test('a queue is locked for one client until it gives it back or is silent', async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.broker.connect()
  const queues = [0, 1].map((queueId) => ({ topic: 'orders', brokerName: 'broker-a', queueId }))
  const bodyOf = (clientId: string, mqSet: typeof queues) =>
    Buffer.from(JSON.stringify({ consumerGroup: 'g', clientId, mqSet }))
  const lock = async (clientId: string, mqSet = queues) => {
    const { code, body } = await peer.ask(41, { body: bodyOf(clientId, mqSet) })
    t.equal(code, 0)
    return JSON.parse(body.toString()).lockOKMQSet.map((one: { queueId: number }) => one.queueId)
  }
  t.same(await lock('c1', queues.slice(0, 1)), [0])
  t.same(await lock('c2'), [1])
  t.same(await lock('c1'), [0])
  await rig.clock.advance(59_999)
  t.same(await lock('c2'), [1])
  await rig.clock.advance(1)
  t.same(await lock('c2'), [0, 1], 'a minute has passed for the other')
  const given = await peer.ask(42, { body: bodyOf('c2', queues.slice(1)) })
  t.equal(given.code, 0)
  t.same(await lock('c1'), [1])
})

t.test('a group with members of one protocol refuses those of the other', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const { ownership } = rig.groups
  const name = toKafkaGroupName('g|2Ea')
  t.equal(name, 'g.a')
  ownership.claim(name, {
    protocol: 'kafka',
    reads: () => true,
    members: () => [],
    topics: () => undefined
  })
  const peer = rig.broker.connect()
  const remark = /the group g\|2Ea has members that speak the Kafka protocol/
  t.match(await beat(peer, 'c1', 'g|2Ea', { orders: '*' }), { code: 16, remark })
  t.match(await membersOf(peer, 'g|2Ea'), { code: 16, remark })
  const pulled = await pull(peer, { topic: 'orders', offset: 0, group: 'g|2Ea', subscription: '*' })
  t.match(pulled, { code: 16, remark })
  const place = { consumerGroup: 'g|2Ea', topic: 'orders', queueId: '0', commitOffset: '1' }
  t.match(await peer.ask(15, { fields: place }), { code: 16, remark })
  ownership.release(name, 'kafka')
  await join(peer, 'c1', 'g|2Ea')
  t.notOk(
    ownership.claim(name, {
      protocol: 'kafka',
      reads: () => true,
      members: () => [],
      topics: () => undefined
    })
  )
  t.ok(ownership.find(name)?.reads('orders'))
  t.notOk(ownership.find(name)?.reads('other'))
  peer.socket.destroy()
  t.equal((await take(rig.broker.connect(), 0)).length, 0)
  await rig.clock.advance(0)
  t.ok(
    ownership.claim(name, {
      protocol: 'kafka',
      reads: () => true,
      members: () => [],
      topics: () => undefined
    }),
    'free again'
  )
})
