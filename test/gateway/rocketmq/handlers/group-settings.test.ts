import t, { type Test } from 'tap'
import { Groups } from '../../../../gateway/broker/groups/index.ts'
import { beat, pull, StoreRig } from '../store-rig.ts'

const codes = { update: 200, updateList: 225, all: 201, config: 352, drop: 207 }
const [commits, asksOffset, leaves] = [15, 14, 35]

async function open(t: Test) {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const update = (settings: object) =>
    peer.ask(codes.update, { body: Buffer.from(JSON.stringify(settings)) })
  const config = (group: string) => peer.ask(codes.config, { fields: { group } })
  const settings = async (group: string) => JSON.parse((await config(group)).body.toString())
  const place = async (consumerGroup: string) => {
    const fields = { consumerGroup, topic: 'orders', queueId: '0', setZeroIfNotFound: 'false' }
    const answer = await peer.ask(asksOffset, { fields })
    return answer.code === 0 ? answer.fields.get('offset') : answer.code
  }
  const all = async () =>
    JSON.parse((await peer.ask(codes.all)).body.toString()).subscriptionGroupTable
  const commit = (consumerGroup: string) => {
    const fields = { consumerGroup, topic: 'orders', queueId: '0', commitOffset: '5' }
    return peer.ask(commits, { fields })
  }
  return { rig, peer, update, config, settings, place, all, commit }
}

t.test(
  'a group has the defaults of RocketMQ, byte for byte, and is made when asked for',
  async (t) => {
    const { config, all } = await open(t)
    t.notOk((await all()).g)
    const answer = await config('g')
    t.equal(
      answer.body.toString(),
      '{"attributes":{},"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,' +
        '"consumeFromMinEnable":true,"consumeMessageOrderly":false,"consumeTimeoutMinute":15,' +
        '"groupName":"g","groupRetryPolicy":{"type":"CUSTOMIZED"},"groupSysFlag":0,' +
        '"notifyConsumerIdsChangedEnable":true,"retryMaxTimes":16,"retryQueueNums":1,' +
        '"whichBrokerWhenConsumeSlowly":1}'
    )
    t.ok((await all()).g)
    t.match(await config('a.b'), { code: 26, remark: 'No group in this broker' })
  }
)

t.test('settings are kept as they were sent; what is not said is the default again', async (t) => {
  const { update, settings, all, rig } = await open(t)
  const exponential = { initial: 1000, max: 5000, multiplier: 2 }
  const sent = {
    groupName: 'g',
    consumeEnable: false,
    retryMaxTimes: 3,
    groupRetryPolicy: { type: 'EXPONENTIAL', exponentialRetryPolicy: exponential },
    subscriptionDataSet: [{ topic: 'a', expressionType: 'TAG', expression: '*', version: 1 }]
  }
  t.match(await update(sent), { code: 0 })
  t.match(await settings('g'), sent)
  t.match((await all()).g, sent)

  const again = await Groups.open({ engine: rig.store, clock: rig.clock, log: () => {} })
  t.same(again.stored.get('g')?.row, rig.groups.stored.get('g')?.row, 'they are in the store')
  await again.close()

  t.match(await update({ groupName: 'g', retryQueueNums: 2 }), { code: 0 })
  t.match(await settings('g'), { consumeEnable: true, retryMaxTimes: 16, retryQueueNums: 2 })
  t.notOk('subscriptionDataSet' in (await settings('g')))
})

t.test('several groups at once; what no group may have is refused', async (t) => {
  const { peer, update, settings } = await open(t)
  const groupConfigList = [{ groupName: 'A', retryMaxTimes: 1 }, { groupName: 'B' }]
  const list = (body: object) =>
    peer.ask(codes.updateList, { body: Buffer.from(JSON.stringify(body)) })
  t.match(await list({ groupConfigList }), { code: 0 })
  t.match(await settings('A'), { retryMaxTimes: 1 })
  const bad = await list({ groupConfigList: [{ groupName: 'A' }, { groupName: 'b.c' }] })
  t.match(bad, { code: 29 })
  t.match(await settings('A'), { retryMaxTimes: 1 }, 'nothing was touched')
  const attributes = { '+a': 'b' }
  t.match(await update({ groupName: 'g', attributes }), { code: 1, remark: 'unsupported key: a' })
  const topic = 'x'.repeat(32_768)
  t.match(await update({ groupName: 'g', subscriptionDataSet: [{ topic }] }), {
    code: 29,
    remark: /^settings of \d+ bytes, allowed are 32768$/
  })
})

t.test("the groups of every RocketMQ are told, and Kafka's with the defaults", async (t) => {
  const { rig, all, commit } = await open(t)
  await commit('mine')
  const topic = await rig.topics.findByName('orders')
  const place = { topicId: topic?.id ?? '', queue: 0, offset: 1, leaderEpoch: -1, metadata: '' }
  await rig.groups.offsets.commit('of.kafka', [place])
  const table = await all()
  t.match(table.TOOLS_CONSUMER, { groupName: 'TOOLS_CONSUMER', consumeEnable: true })
  t.match(table['of|2Ekafka'], { groupName: 'of|2Ekafka', retryMaxTimes: 16 })
  t.ok(table.mine)
  t.equal(Object.keys(table).length, 10)
})

t.test('a group that may not consume is refused its pulls, and nothing else', async (t) => {
  const { peer, update, place, commit } = await open(t)
  await update({ groupName: 'g', consumeEnable: false })
  const pulls = () => pull(peer, { topic: 'orders', offset: 0, subscription: '*' })
  t.match(await pulls(), {
    code: 16,
    remark: 'subscription group no permission, g',
    fields: new Map([['forbiddenType', '2']])
  })
  t.match(await commit('g'), { code: 0 })
  t.equal(await place('g'), '5')
  await update({ groupName: 'g' })
  t.match(await pulls(), { code: 19 })
  const unknown = await pull(peer, { topic: 'orders', offset: 0, group: 'a.b', subscription: '*' })
  t.match(unknown, { code: 26, remark: /^subscription group \[a\.b\] does not exist, \nSee https/ })
})

t.test('a group that may not broadcast is refused when it does', async (t) => {
  const { peer, update } = await open(t)
  await update({ groupName: 'g', consumeBroadcastEnable: false })
  await beat(peer, 'c1', 'g', { orders: '*' }, { messageModel: 'BROADCASTING' })
  t.match(await pull(peer, { topic: 'orders', offset: 0 }), {
    code: 16,
    remark: 'the consumer group[g] can not consume by broadcast way',
    fields: new Map([['forbiddenType', '4']])
  })
})

t.test('members are not told of each other where the group does not want it', async (t) => {
  const { rig, peer, update, commit } = await open(t)
  await update({ groupName: 'g', notifyConsumerIdsChangedEnable: false })
  t.match(await beat(peer, 'c1', 'g', { orders: '*' }), { code: 0 }, 'nothing comes before it')
  const other = rig.broker.connect()
  t.match(await beat(other, 'c2', 'g', { orders: '*' }), { code: 0 })
  const fields = { clientID: 'c2', consumerGroup: 'g' }
  t.match(await other.ask(leaves, { fields }), { code: 0 })
  t.match(await commit('g'), { code: 0 }, 'nothing came before')
  await beat(other, 'c2', 'g', { orders: '*' })
  other.socket.destroy()
  t.match(await peer.next(), { code: 40 }, 'one that is lost is told all the same')
})

t.test(
  "a group's first heartbeat makes its retry topic as its settings and topics are",
  async (t) => {
    const { rig, peer, update } = await open(t)
    const quiet = { notifyConsumerIdsChangedEnable: false }
    await update({ groupName: 'g', retryQueueNums: 3, ...quiet })
    await update({ groupName: 'none', retryQueueNums: 0, ...quiet })
    await beat(peer, 'c1', 'g', { orders: '*' })
    await beat(peer, 'c1', 'none', { orders: '*' })
    const config = async (topic: string) =>
      JSON.parse((await peer.ask(351, { fields: { topic } })).body.toString())
    t.match(await config('%RETRY%g'), {
      readQueueNums: 3,
      writeQueueNums: 3,
      perm: 6,
      order: false
    })
    t.match(await config('%RETRY%none'), { readQueueNums: 0, writeQueueNums: 0 })
    const order = { namespace: 'ORDER_TOPIC_CONFIG', key: 'orders', value: 'broker-a:2' }
    await rig.namesrv.connect().ask(100, { fields: order })
    await beat(peer, 'c1', 'g', { orders: '*' })
    t.match(await config('%RETRY%g'), { order: true, readQueueNums: 3 })
  }
)

t.test('a deleted group has the defaults again, and is where it was unless asked so', async (t) => {
  const { peer, update, place, all, settings, commit } = await open(t)
  const drop = (groupName: string, isPlaceToo: boolean, name = 'cleanOffset') =>
    peer.ask(codes.drop, { fields: { groupName, [name]: `${isPlaceToo}` } })
  await update({ groupName: 'g', retryMaxTimes: 2 })
  await commit('g')
  t.match(await drop('g', false), { code: 0 })
  t.equal(await place('g'), '5')
  t.match(await settings('g'), { retryMaxTimes: 16 })
  t.match(await drop('g', true), { code: 0 })
  t.equal(await place('g'), 22)
  t.notOk((await all()).g)
  await commit('g')
  t.match(await drop('g', true, 'removeOffset'), { code: 0 }, 'as mqadmin 4.9 says it')
  t.equal(await place('g'), 22)
  t.match(await drop('never', true), { code: 0 })
})

t.test("a group of Kafka's members is not RocketMQ's tools' to delete", async (t) => {
  const { rig, peer, place, commit } = await open(t)
  await commit('g')
  rig.groups.ownership.claim('g', {
    protocol: 'kafka',
    reads: () => true,
    members: () => [],
    topics: () => undefined
  })
  const fields = { groupName: 'g', cleanOffset: 'true' }
  t.match(await peer.ask(codes.drop, { fields }), { code: 16 })
  rig.groups.ownership.release('g', 'kafka')
  t.equal(await place('g'), '5')
})

t.test(
  'a group that was made or heard of stays with its offsets, whatever time passes',
  async (t) => {
    const { rig, peer, update, commit } = await open(t)
    await update({ groupName: 'made', retryMaxTimes: 2 })
    await commit('made')
    await beat(peer, 'c1', 'heard', { orders: '*' }).catch(() => peer.next())
    await commit('heard')
    await commit('neither')
    peer.socket.destroy()
    await rig.clock.advance(30 * 24 * 3_600_000)
    const groups = rig.groups.stored
    t.ok(groups.has('made'))
    t.ok(groups.has('heard'))
    t.notOk(groups.has('neither'), 'one that only committed is gone')
    t.equal((await rig.groups.offsets.fetchAll('heard'))[0]?.offset, 5)
  }
)
