/** Kafka's topics, groups and members as mqadmin and the dashboard see them, and RocketMQ's as Kafka's tools do. */
import type { Consumer } from 'kafkajs'
import type { Test } from 'tap'
import { untilCommitted } from '../kafka-consume.ts'
import { mqadminOf, queueKey, rowOf, rowsOf } from '../mqadmin.ts'
import { numbered, type OwnStage, type Scenario } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: "mqadmin tells Kafka's topics, groups, members and lag",
    since: 5,
    own: true,
    run: kafka
  },
  { name: "Kafka's admin client tells RocketMQ's groups, members and lag", own: true, run: toKafka }
]

async function kafka(t: Test, { another, name, kafka, server }: OwnStage): Promise<void> {
  const { tool, toolUntil, call, brokerAddress } = mqadminOf(another())
  const [topic, group] = [`${name('kafka')}.orders`, `${name('kafka')}.group`]
  const [topicToThem, groupToThem] = [topic.replace('.', '|2E'), group.replace('.', '|2E')]
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
  await admin.disconnect()
  const send = async (count: number) => {
    const producer = kafka.producer()
    await producer.connect()
    const messages = Array.from({ length: count }, (_, i) => ({ value: `v${i}`, partition: i % 2 }))
    await producer.send({ topic, messages })
    await producer.disconnect()
  }
  await send(6)
  const consumer = kafka.consumer({ groupId: group })
  t.teardown(() => consumer.disconnect())
  await consumeAll(consumer, topic, 6)
  await consumer.commitOffsets([0, 1].map((partition) => ({ topic, partition, offset: '3' })))
  await send(4)

  const printed = await toolUntil(`consumerProgress -g ${groupToThem}`, /Diff Total: 4\n/)
  t.match(printed, 'Consume Diff Total: 4\n')
  t.match(rowOf(printed, topicToThem, 'broker-a', '0'), [
    topicToThem,
    'broker-a',
    '0',
    '5',
    '3',
    '2'
  ])
  const address = await brokerAddress()
  const [topics, all, connections, status, lags, stats] = await Promise.all([
    tool('topicList'),
    tool('consumerProgress'),
    tool(`consumerConnection -g ${groupToThem}`),
    tool(`topicStatus -t ${topicToThem}`),
    tool(`brokerConsumeStats -b ${address}`),
    tool(`statsAll -t ${topicToThem}`)
  ])
  t.ok(rowOf(topics, topicToThem))
  const row = rowOf(all, groupToThem)
  t.match(row, [groupToThem, '1', 'HIGHER_VERSION', 'PULL', /^\d+$/, '4'])
  const member = rowsOf(connections).find((one) => one[2] === 'OTHER')
  t.match(member, [/^kafkajs-/, '127.0.0.1', 'OTHER', 'HIGHER_VERSION'])
  t.ok(connections.split('\n').some((line) => line.startsWith(`${topicToThem} `)))
  t.match(rowOf(status, 'broker-a', '1'), ['broker-a', '1', '0', '5'])
  const ofGroup = rowsOf(lags).filter((one) => one[1] === groupToThem)
  t.same(
    ofGroup.map((one) => one[6]),
    ['2', '2']
  )
  t.match(rowOf(stats, topicToThem, groupToThem)?.slice(2, 3), ['4'])
  t.equal(rowOf(stats, topicToThem, groupToThem)?.[5], '10', 'records that came in')

  t.match(await call('queryTopicConsumeByWho', topicToThem), { groupList: [groupToThem] })
  const { offsetTable } = await call('examineConsumeStats', groupToThem)
  t.match(offsetTable[queueKey(topicToThem, 1)], { brokerOffset: 5, consumerOffset: 3 })
  t.ok(offsetTable[queueKey(topicToThem, 1)].lastTimestamp > 0)
  const { subscriptionGroupTable } = await call('getAllSubscriptionGroup', address, 5000)
  t.ok(subscriptionGroupTable[groupToThem])
  const put = await call('viewBrokerStatsData', address, 'TOPIC_PUT_NUMS', topicToThem)
  t.equal(put.statsDay.sum, 10)
  // What Kafka's groups get is told by how far they commit.
  await consumer.commitOffsets([0, 1].map((partition) => ({ topic, partition, offset: '5' })))
  const got = await call(
    'viewBrokerStatsData',
    address,
    'GROUP_GET_NUMS',
    `${topicToThem}@${groupToThem}`
  )
  t.equal(got.statsMinute.sum, 4)
  t.match(await tool(`consumerProgress -g ${groupToThem}`), 'Consume Diff Total: 0\n')
  t.equal(server.log.includes('request-failed'), false)
}

async function consumeAll(consumer: Consumer, topic: string, count: number): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let given = 0
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async () => {
      given++
      if (given === count) resolve()
    }
    consumer.run({ autoCommit: false, eachMessage }).catch(reject)
  })
}

async function toKafka(t: Test, { another, name, kafka }: OwnStage): Promise<void> {
  const driver = another()
  const [topic, group] = [name('seen-topic'), name('seen-group')]
  await driver.send(topic, numbered(6))
  await driver.consume({ group, topic })
  await driver.until('all were given', () => driver.given.length >= 6)
  const admin = kafka.admin()
  await admin.connect()
  t.teardown(() => admin.disconnect())
  const topics = await admin.listTopics()
  t.ok(topics.includes(topic))
  t.notOk(topics.includes(`%RETRY%${group}`))
  const { groups } = await admin.listGroups()
  t.ok(groups.some(({ groupId }) => groupId === group))
  const describe = async () => (await admin.describeGroups([group])).groups[0]
  const live = await describe()
  t.match(live, { state: 'Stable', members: [{ clientId: /@/, clientHost: '/127.0.0.1' }] })
  await t.rejects(admin.deleteGroups([group]), 'it has members')
  await driver.stop()
  await untilCommitted(kafka, group, topic, 6)
  await driver.send(topic, numbered(3))
  t.match(await describe(), { state: 'Empty', members: { length: 0 } })
  const ends = await admin.fetchTopicOffsets(topic)
  const [places] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const sum = (all: readonly { offset: string }[]) =>
    all.reduce((total, { offset }) => total + Math.max(Number(offset), 0), 0)
  t.equal(sum(ends), 9)
  t.equal(sum(places?.partitions ?? []), 6, 'where the consumer said that it is as it left')
}
