/** What RocketMQ's dashboard asks, through the admin client that it is built on: each call's answer. A real RocketMQ 5.3.3 passed all. */
import type { Test } from 'tap'
import { type Answer, type Mqadmin, mqadminOf, queueKey } from '../mqadmin.ts'
import { numbered, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: "the dashboard's pages of topics and of the cluster", since: 5, run: topicsAndCluster },
  { name: "the dashboard's pages of consumers and producers", since: 5, run: clients },
  { name: "the dashboard's page of messages", since: 5, run: messages }
]

const producerGroup = 'isthmus-test-producer'

/** A topic made as the dashboard makes one. */
async function makeTopic(
  { call, callUntil }: Mqadmin,
  address: string,
  topic: string,
  queues: number
) {
  const numbers = { readQueueNums: queues, writeQueueNums: queues, perm: 6 }
  const attributes = { '+message.type': 'NORMAL' }
  await call('createAndUpdateTopicConfig', address, { topicName: topic, ...numbers, attributes })
  // A real broker tells its name server a little later.
  await callUntil((all) => all?.topicList.includes(topic), 'fetchAllTopicList')
}

async function topicsAndCluster(t: Test, { another, name, namesrv }: Stage): Promise<void> {
  const driver = another()
  const admin = mqadminOf(driver)
  const { call, callUntil } = admin
  const address = await admin.brokerAddress()
  const topic = name('dashboard-topic')
  await makeTopic(admin, address, topic, 2)
  const before = Date.now()
  const sent = [0, 0, 0, 1].map((queue) => ({ body: Buffer.from('x'), queue }))
  await driver.send(topic, sent)
  t.match(await call('examineBrokerClusterInfo'), {
    brokerAddrTable: { 'broker-a': { brokerName: 'broker-a', cluster: 'DefaultCluster' } },
    clusterAddrTable: { DefaultCluster: ['broker-a'] }
  })
  const { table } = await call('fetchBrokerRuntimeStats', address)
  for (const rate of ['putTps', 'getTotalTps', 'getTransferredTps']) {
    t.ok(Number(table[rate].split(' ')[0]) >= 0, `${rate} is ${table[rate]}`)
  }
  t.match(table, { brokerVersionDesc: 'V5_3_3', brokerActive: 'true' })
  t.ok(Number(table.msgPutTotalTodayNow) >= 4)
  t.match(await call('getBrokerConfig', address), { brokerName: 'broker-a', brokerId: '0' })

  const ofCluster = await call('fetchTopicsByCLuster', 'DefaultCluster')
  t.ok(ofCluster.topicList.includes(topic))
  t.match(await call('examineTopicRouteInfo', topic), {
    brokerDatas: [{ brokerAddrs: { 0: address } }],
    queueDatas: [{ brokerName: 'broker-a', perm: 6, readQueueNums: 2, writeQueueNums: 2 }]
  })
  const { offsetTable } = await call('examineTopicStats', topic)
  t.match(offsetTable[queueKey(topic, 0)], { minOffset: 0, maxOffset: 3 })
  t.match(offsetTable[queueKey(topic, 1)], { minOffset: 0, maxOffset: 1 })
  const { lastUpdateTimestamp } = offsetTable[queueKey(topic, 1)]
  t.ok(lastUpdateTimestamp >= before - 1000 && lastUpdateTimestamp <= Date.now() + 1000)
  t.match(await call('examineTopicConfig', address, topic), {
    topicName: topic,
    readQueueNums: 2,
    perm: 6,
    attributes: { 'message.type': 'NORMAL' }
  })
  const all = await call('getAllTopicConfig', address, 5000)
  t.match(all.topicConfigTable[topic], { writeQueueNums: 2 })
  const users = await call('getUserTopicConfig', address, true, 5000)
  t.ok(users.topicConfigTable[topic])
  t.notOk(users.topicConfigTable.TBW102, 'system topics are hidden')
  const queue = { topic, brokerName: 'broker-a', queueId: 0 }
  t.equal(await call('maxOffset', queue), 3)
  t.equal(await call('minOffset', queue), 0)
  t.equal(await call('searchOffset', queue, Date.now() + 60_000), 3)
  t.equal(await call('searchOffset', queue, 0), 0)
  t.ok((await call('earliestMsgStoreTime', queue)) >= before - 1000)
  // A real broker counts every 10 s.
  const counted = (stats: Answer) => stats?.statsMinute.sum >= 4
  const stats = ['viewBrokerStatsData', address, 'TOPIC_PUT_NUMS', topic] as const
  const { sum, tps } = (await callUntil(counted, ...stats)).statsMinute
  t.equal(sum, 4)
  t.ok(tps > 0 && tps <= 0.4, `${tps}`)
  await t.rejects(call('viewBrokerStatsData', address, 'TOPIC_PUT_NUMS', 'nosuch'), /CODE: 1 /)
  await call('deleteTopicInBroker', [address], topic)
  await call('deleteTopicInNameServer', [namesrv], topic)
  await t.rejects(call('examineTopicStats', topic), /CODE: 17 /)
}

async function clients(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const admin = mqadminOf(driver)
  const { call, callUntil } = admin
  const address = await admin.brokerAddress()
  const [topic, group] = [name('dashboard-consumed'), name('dashboard-group')]
  await makeTopic(admin, address, topic, 1)
  const settings = { groupName: group, retryMaxTimes: 7, consumeBroadcastEnable: false }
  await call('createAndUpdateSubscriptionGroupConfig', address, settings)
  t.match(await call('examineSubscriptionGroupConfig', address, group), settings)
  const { subscriptionGroupTable } = await call('getAllSubscriptionGroup', address, 5000)
  t.match(subscriptionGroupTable[group], settings)
  t.ok(subscriptionGroupTable.TOOLS_CONSUMER, 'the groups that every broker has')
  const users = await call('getUserSubscriptionGroup', address, 5000)
  t.notOk(users.subscriptionGroupTable.TOOLS_CONSUMER)

  const sent = await driver.send(topic, numbered(4))
  await driver.consume({ group, topic })
  await driver.until('all were given', () => driver.given.length >= 4)
  const key = queueKey(topic, 0)
  // Consumers say where they are every 5 s.
  const isThere = (answer: Answer) => answer?.offsetTable[key]?.consumerOffset === 4
  const stats = await callUntil(isThere, 'examineConsumeStats', group)
  t.match(stats.offsetTable[key], { brokerOffset: 4, consumerOffset: 4, pullOffset: 4 })
  const last = driver.given.find(({ offset }) => offset === 3)
  t.equal(stats.offsetTable[key].lastTimestamp, last?.storedMs)
  const connection = await call('examineConsumerConnectionInfo', group)
  t.match(connection, {
    connectionSet: [{ language: 'JAVA', clientAddr: /^127\.0\.0\.1:\d+$/, version: 479 }],
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    subscriptionTable: { [topic]: { subString: '*', expressionType: 'TAG', topic } }
  })
  const { clientId } = connection.connectionSet[0]
  t.match(await call('examineProducerConnectionInfo', producerGroup, topic), {
    connectionSet: [{ language: 'JAVA', clientAddr: /^127\.0\.0\.1:\d+$/, version: 479 }]
  })
  const producers = await call('getAllProducerInfo', address)
  t.ok(producers.data[producerGroup].length >= 1)
  // RocketMQ 5.3.3 lists the topic itself among its groups.
  const { groupList } = await call('queryTopicConsumeByWho', topic)
  t.ok(groupList.includes(group))
  const ofGroup = await call('queryTopicsByConsumer', group)
  t.ok(ofGroup.topicList.includes(topic))
  t.match(await call('querySubscription', group, topic), { topic, subString: '*' })
  const [span] = await call('queryConsumeTimeSpan', topic, group)
  t.match(span, { messageQueue: { topic, queueId: 0 }, delayTime: 0 })
  t.equal(span.consumeTimeStamp, last?.storedMs)
  t.equal(span.maxTimeStamp, last?.storedMs)
  const running = await call('getConsumerRunningInfo', group, clientId, false)
  t.match(running.mqTable[key], { commitOffset: 4, cachedMsgCount: 0, droped: false })
  t.match(running.properties, { PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY' })
  const all = await call('fetchConsumeStatsInBroker', address, false, 5000)
  const own = all.consumeStatsList.find((one: object) => group in one)
  const tables = own[group].map(({ offsetTable }: { offsetTable: object }) => offsetTable)
  t.ok(tables.some((table: object) => key in table))

  const [id] = [sent[1]?.offsetId ?? '']
  const direct = await call('consumeMessageDirectly', group, clientId, topic, id)
  t.match(direct, { consumeResult: 'CR_SUCCESS' })
  t.equal(driver.given.length, 5)
  t.equal(driver.given[4]?.body.toString(), 'm1')
  const tracks = await admin.track(topic, id)
  const track = tracks.find((one: Answer) => one.consumerGroup === group)
  t.match(track, { trackType: 'CONSUMED' })
  await driver.stop()
  await t.rejects(call('examineConsumerConnectionInfo', group), /CODE: 206 /)
  const reset = await call('resetOffsetByTimestamp', topic, group, 0, true)
  t.same(reset, { [key]: 0 })
  const after = await call('examineConsumeStats', group)
  t.match(after.offsetTable[key], { brokerOffset: 4, consumerOffset: 0 })
  await call('deleteSubscriptionGroup', address, group, true)
  const left = await call('getAllSubscriptionGroup', address, 5000)
  t.notOk(left.subscriptionGroupTable[group])
}

async function messages(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const admin = mqadminOf(driver)
  const { call, callUntil } = admin
  const topic = name('dashboard-messages')
  await makeTopic(admin, await admin.brokerAddress(), topic, 1)
  const before = Date.now()
  const [one, two] = await driver.send(topic, [
    { body: Buffer.from('one'), keys: 'order-1 shared', tag: 'A' },
    { body: Buffer.from('two'), keys: 'order-2 shared' }
  ])
  const told = { topic, queue: 0, offset: 0, uniqueKey: one?.uniqueKey, body: 'one' }
  const properties = { KEYS: 'order-1 shared', TAGS: 'A' }
  t.match(await call('viewMessage', topic, one?.offsetId), { ...told, properties })
  const until = Date.now() + 60_000
  const query = (key: string) => ['queryMessage', topic, key, 64, before - 60_000, until] as const
  // A real broker makes its index of keys a little later.
  await callUntil((found) => found?.length > 0, ...query('order-2'))
  const bodiesOf = async (key: string) => {
    const found = await call(...query(key))
    return found.map(({ body }: { body: string }) => body).sort()
  }
  t.same(await bodiesOf('order-1'), ['one'])
  t.same(await bodiesOf('shared'), ['one', 'two'])
  t.match(await call('viewMessage', topic, two?.uniqueKey), { body: 'two', offset: 1 })
  await t.rejects(call(...query('nosuch')), /CODE: 208 /)
  const past = call('queryMessage', topic, 'shared', 64, before - 60_000, before - 50_000)
  await t.rejects(past, /CODE: 208 /)
}
