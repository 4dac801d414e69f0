import t from 'tap'
import type { RocketmqPeer } from '../rig.ts'
import { heartbeat, pull, send } from '../store-rig.ts'
import { commit, openTools, told } from '../tool-rig.ts'

const kafkaOwner = {
  protocol: 'kafka',
  reads: () => true,
  members: () => [{ id: 'consumer-1-abc', address: '10.1.1.1' }],
  topics: () => new Set(['orders', 'a.b'])
} as const

/** A heartbeat's answer comes after what it sets off. */
async function join(peer: RocketmqPeer, clientId: string, group: string, tags = '*') {
  const opaque = peer.send(34, { body: heartbeat(clientId, group, { orders: tags }) })
  while ((await peer.next())?.opaque !== opaque);
}

t.test("the members of a group are told with their clients' words", async (t) => {
  const { broker } = await openTools(t)
  t.match(await broker.ask(203, { fields: { consumerGroup: 'g' } }), {
    code: 206,
    remark: 'the consumer group[g] not online'
  })
  await join(broker, 'c1', 'g', 'A || B')
  t.strictSame(await told(broker, 203, { consumerGroup: 'g' }), {
    connectionSet: [
      { clientAddr: '10.0.0.9:40000', clientId: 'c1', language: 'JAVA', version: 479 }
    ],
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    subscriptionTable: {
      orders: {
        classFilterMode: false,
        codeSet: [65, 66],
        expressionType: 'TAG',
        subString: 'A || B',
        subVersion: 1,
        tagsSet: ['A', 'B'],
        topic: 'orders'
      }
    }
  })
  const { subscriptionData } = await told(broker, 345, { group: 'g', topic: 'orders' })
  t.match(subscriptionData, { subString: 'A || B' })
  const other = await told(broker, 345, { group: 'g', topic: 'other' })
  t.strictSame(other, { group: 'g', topic: 'other' })
})

t.test("Kafka's members and what they read are told too", async (t) => {
  const { rig, broker } = await openTools(t)
  rig.groups.ownership.claim('my.group', kafkaOwner)
  const connections = await told(broker, 203, { consumerGroup: 'my|2Egroup' })
  t.match(connections, {
    connectionSet: [
      { clientAddr: '10.1.1.1', clientId: 'consumer-1-abc', language: 'OTHER', version: 32_767 }
    ],
    consumeType: 'CONSUME_ACTIVELY',
    subscriptionTable: { orders: { subString: '*' }, 'a|2Eb': { topic: 'a|2Eb' } }
  })
  t.strictSame(await told(broker, 300, { topic: 'orders' }), { groupList: ['my|2Egroup'] })
})

t.test('producers are listed as long as they are connected', async (t) => {
  const { rig, broker } = await openTools(t)
  const two = rig.broker.connect()
  const producers = [{ groupName: 'p' }]
  const heartbeatOf = (clientID: string) => ({
    body: Buffer.from(JSON.stringify({ clientID, producerDataSet: producers, consumerDataSet: [] }))
  })
  t.match(await broker.ask(204, { fields: { producerGroup: 'p' } }), {
    code: 1,
    remark: 'the producer group[p] not exist'
  })
  t.equal((await broker.ask(34, heartbeatOf('one'))).code, 0)
  await rig.clock.advance(7000)
  t.equal((await two.ask(34, heartbeatOf('two'))).code, 0)
  const { connectionSet } = await told(broker, 204, { producerGroup: 'p' })
  const clientIds = connectionSet.map(({ clientId }: { clientId: string }) => clientId)
  t.strictSame(clientIds, ['one', 'two'])
  t.match(connectionSet[0], { clientAddr: '10.0.0.9:40000', language: 'JAVA', version: 479 })
  const nowMs = rig.clock.now()
  t.match(await told(broker, 328), {
    data: {
      p: [
        { clientId: 'one', remoteIP: '/10.0.0.9:40000', lastUpdateTimestamp: nowMs - 7000 },
        { clientId: 'two', lastUpdateTimestamp: nowMs }
      ]
    }
  })
  two.socket.destroy()
  await rig.clock.advance(1)
  const left = await told(broker, 328)
  t.equal(left.data.p.length, 1)
})

t.test(
  'groups of a topic are those that subscribed to it and those with a place in it',
  async (t) => {
    const { broker } = await openTools(t)
    t.strictSame(await told(broker, 300, { topic: 'orders' }), { groupList: [] })
    t.strictSame(await told(broker, 300, { topic: 'nosuch' }), { groupList: [] })
    await join(broker, 'c1', 'live')
    await commit(broker, 'gone', 0, 0)
    t.strictSame(await told(broker, 300, { topic: 'orders' }), { groupList: ['gone', 'live'] })
    t.match(await told(broker, 343, { group: 'gone' }), {
      topicList: ['orders'],
      brokerAddr: '127.0.0.1:10911'
    })
    t.match(await told(broker, 343, { group: 'live' }), { topicList: { length: 0 } })
    t.match(await told(broker, 43), {
      offsetTable: { 'orders@gone': { 0: 0 } },
      groupTopicMap: { gone: ['orders'] }
    })
  }
)

t.test('every group has a retry topic in lists and routes, so that tools find it', async (t) => {
  const { broker, namesrv, rig } = await openTools(t)
  await commit(broker, 'g', 0, 0)
  rig.groups.stored.occupied('my.group', 'consumer')
  const names = ['%RETRY%g', '%RETRY%my|2Egroup', 'orders']
  t.strictSame(await told(namesrv, 206), { topicList: names })
  t.strictSame(await told(namesrv, 224, { cluster: 'DefaultCluster' }), { topicList: names })
  t.strictSame(await told(namesrv, 224, { cluster: 'other' }), { topicList: [] })
  const route = await told(namesrv, 105, { topic: '%RETRY%my|2Egroup' })
  t.match(route, {
    brokerDatas: [{ brokerAddrs: { 0: '127.0.0.1:10911' } }],
    queueDatas: [{ perm: 4, readQueueNums: 1 }]
  })
  t.match(await namesrv.ask(105, { fields: { topic: '%RETRY%nosuch' } }), { code: 17 })
  t.match(await pull(broker, { topic: '%RETRY%g', offset: 0, group: 'g' }), { code: 17 })
})

t.test('system topics are names that tools hide, and no topic is divided into units', async (t) => {
  const { broker, namesrv } = await openTools(t)
  t.match(await told(namesrv, 304), {
    topicList: ['DefaultCluster', 'broker-a'],
    brokerAddr: '127.0.0.1:10911'
  })
  const { topicList } = await told(broker, 305)
  for (const name of ['TBW102', 'SCHEDULE_TOPIC_XXXX', 'DefaultCluster_REPLY_TOPIC', 'broker-a']) {
    t.ok(topicList.includes(name), name)
  }
  t.notOk(topicList.includes('orders'))
  for (const code of [311, 312, 313]) t.strictSame(await told(namesrv, code), { topicList: [] })
  for (const code of [306, 316, 329]) t.match(await broker.ask(code), { code: 0 })
  t.match(await told(broker, 45), { offsetTable: {} })
})

t.test("a queue's index is what its messages say", async (t) => {
  const { broker } = await openTools(t)
  for (const tag of ['A', 'B', 'A']) {
    await send(broker, 'orders', `of ${tag}`, { properties: { TAGS: tag, UNIQ_KEY: `k${tag}` } })
  }
  const ask = (more: Record<string, string>) => ({
    topic: 'orders',
    queueId: '0',
    index: '1',
    count: '5',
    ...more
  })
  const first = await told(broker, 321, ask({ index: '0', count: '1', consumerGroup: 'g' }))
  t.match(first, {
    filterData: 'g@orders is not online!',
    maxQueueIndex: 3,
    minQueueIndex: 0,
    queueData: [{ tagsCode: 65, eval: false }]
  })
  t.equal(first.queueData.length, 1)
  const rest = await told(broker, 321, ask({}))
  t.notOk('filterData' in rest)
  const found = await pull(broker, { topic: 'orders', offset: 1, subscription: '*' })
  const place = found.body.readBigInt64BE(28)
  t.strictSame(
    rest.queueData.map(({ tagsCode, physicSize }: Record<string, number>) => [
      tagsCode,
      physicSize
    ]),
    [
      [66, found.body.readInt32BE(0)],
      [65, found.body.readInt32BE(0)]
    ]
  )
  t.equal(BigInt(rest.queueData[0].physicOffset), place, 'as a pull tells it')
  t.match(await broker.ask(321, { fields: ask({ queueId: '9' }) }), {
    code: 1,
    remark: '9@orders is not exist!'
  })
  await join(broker, 'c1', 'g', 'A')
  const online = await told(broker, 321, ask({ consumerGroup: 'g' }))
  t.match(online.subscriptionData, { subString: 'A' })
  t.match(await told(broker, 321, ask({ index: '3' })), { queueData: { length: 0 } })
})
