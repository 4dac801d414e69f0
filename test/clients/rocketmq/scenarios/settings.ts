/** Settings of topics and groups, as RocketMQ's admin client makes them. Passed by RocketMQ 5.3.3 too, but for restarts. */
import type { Test } from 'tap'
import type { RocketmqDriver } from '../driver.ts'
import { bodies, numbered, type OwnStage, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: 'a group that may not consume gets nothing until it may', run: consumeEnable },
  { name: 'a topic may be read or written as its permissions say', run: permissions },
  { name: 'a topic is written to fewer queues than it is read from', run: narrowed },
  {
    name: 'settings of topics and groups outlive a restart of the server',
    own: true,
    run: outlive
  },
  {
    name: 'attributes of a topic are kept, and checked',
    since: 5,
    run: attributes
  }
]

function setGroup(driver: RocketmqDriver, settings: object): Promise<unknown> {
  return driver.ask('Settings.group', { settings })
}

function setTopic(driver: RocketmqDriver, settings: object): Promise<unknown> {
  return driver.ask('Settings.topic', { settings })
}

async function consumeEnable(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const [topic, groupName] = [name('settings-disabled'), name('settings-disabled-group')]
  await setGroup(driver, { groupName, consumeEnable: false })
  await driver.send(topic, numbered(4))
  await driver.consume({ group: groupName, topic })
  const other = another()
  await other.consume({ group: name('settings-enabled-group'), topic })
  await other.until('another group has them', () => other.given.length >= 4)
  t.same(driver.given, [])
  await setGroup(driver, { groupName, consumeEnable: true })
  await driver.until('they are given', () => driver.given.length >= 4)
  t.same(bodies(driver.given), bodies(numbered(4)))
}

async function permissions(t: Test, { another, name }: Stage): Promise<void> {
  const [driver, other] = [another(), another()]
  const topicName = name('settings-permissions')
  const queues = { topicName, readQueueNums: 2, writeQueueNums: 2 }
  await setTopic(driver, { ...queues, perm: 6 })
  await driver.send(topicName, numbered(2, 'before'))
  await setTopic(driver, { ...queues, perm: 4 })
  await t.rejects(other.send(topicName, numbered(1)), /No route info of this topic/)
  await other.consume({ group: name('settings-permissions-group'), topic: topicName })
  await other.until('it may be read', () => other.given.length >= 2)
  await other.stop()
  await setTopic(driver, { ...queues, perm: 2 })
  const third = another()
  await third.send(topicName, numbered(2, 'unread'))
  await third.consume({ group: name('settings-permissions-group'), topic: topicName })
  await setTopic(driver, { ...queues, perm: 6 })
  await third.until('it may be read again', () => third.given.length >= 2)
  t.same(bodies(third.given), bodies(numbered(2, 'unread')))
}

async function narrowed(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const topicName = name('settings-narrowed')
  await setTopic(driver, { topicName, readQueueNums: 4, writeQueueNums: 4, perm: 6 })
  await driver.send(
    topicName,
    numbered(8, 'wide').map((one, i) => ({ ...one, queue: i % 4 }))
  )
  await setTopic(driver, { topicName, readQueueNums: 4, writeQueueNums: 1, perm: 6 })
  const other = another()
  const sent = await other.send(topicName, numbered(6, 'narrow'))
  t.same([...new Set(sent.map(({ queue }) => queue))], [0])
  await other.consume({ group: name('settings-narrowed-group'), topic: topicName })
  await other.until('all queues are read', () => other.given.length >= 14)
  t.same(bodies(other.given), bodies([...numbered(8, 'wide'), ...numbered(6, 'narrow')]))
}

async function outlive(t: Test, { another, name, server, kafka }: OwnStage): Promise<void> {
  const driver = another()
  const topic = {
    topicName: name('settings-kept'),
    readQueueNums: 5,
    writeQueueNums: 3,
    perm: 4,
    order: true,
    topicFilterType: 'MULTI_TAG',
    topicSysFlag: 1
  }
  const group = {
    groupName: name('settings-kept-group'),
    consumeEnable: false,
    consumeBroadcastEnable: false,
    retryQueueNums: 3,
    retryMaxTimes: 7,
    notifyConsumerIdsChangedEnable: false,
    brokerId: 2
  }
  await setTopic(driver, topic)
  await setGroup(driver, group)
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await server.restart(signal)
    const asker = another()
    t.match(await asker.ask('Settings.topicOf', { topic: topic.topicName }), topic)
    t.match(await asker.ask('Settings.groupOf', { group: group.groupName }), group)
  }
  const admin = kafka.admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic.topicName] })
  t.equal(topics[0]?.partitions.length, 5, 'Kafka sees all queues')
  await admin.disconnect()
  const last = another()
  await last.ask('Settings.deleteGroup', { group: group.groupName })
  await setGroup(last, { groupName: group.groupName })
  const anew = { consumeEnable: true, retryMaxTimes: 16, retryQueueNums: 1 }
  t.match(await last.ask('Settings.groupOf', { group: group.groupName }), anew)
}

async function attributes(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const topicName = name('settings-attributes')
  const queues = { topicName, readQueueNums: 1, writeQueueNums: 1, perm: 6 }
  await setTopic(driver, { ...queues, attributes: { '+message.type': 'FIFO' } })
  const told = () => driver.ask('Settings.topicOf', { topic: topicName })
  t.match(await told(), { attributes: { 'message.type': 'FIFO' } })
  await setTopic(driver, { ...queues, attributes: { '+message.type': 'DELAY' } })
  t.match(await told(), { attributes: { 'message.type': 'DELAY' } })
  const wrong = setTopic(driver, { ...queues, attributes: { '+message.type': 'NOPE' } })
  await t.rejects(wrong, 'what no topic can be')
  t.match(await told(), { attributes: { 'message.type': 'DELAY' } })
}
