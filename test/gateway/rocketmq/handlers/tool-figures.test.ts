import t from 'tap'
import type { RocketmqPeer } from '../rig.ts'
import { heartbeat, pull, send } from '../store-rig.ts'
import { commit, openTools, told } from '../tool-rig.ts'

const second = 1000

/** As fastjson has a queue for a key. */
function mq(queueId: number, topic = 'orders') {
  return `{"brokerName":"broker-a","queueId":${queueId},"topic":"${topic}"}`
}

t.test(
  'a topic is told with the ends of its queues, and when their last messages came',
  async (t) => {
    const { rig, broker } = await openTools(t)
    const startMs = rig.clock.now()
    await send(broker, 'orders', 'one')
    await rig.clock.advance(2 * second)
    await send(broker, 'orders', 'two')
    const { topicPutTps, offsetTable } = await told(broker, 202, { topic: 'orders' })
    t.strictSame(Object.keys(offsetTable).sort(), [mq(0), mq(1)])
    t.strictSame(offsetTable[mq(0)], {
      lastUpdateTimestamp: startMs + 2 * second,
      maxOffset: 2,
      minOffset: 0
    })
    t.strictSame(offsetTable[mq(1)], { lastUpdateTimestamp: 0, maxOffset: 0, minOffset: 0 })
    t.equal(topicPutTps, 0.2, 'two in ten seconds')
    t.match(await broker.ask(202, { fields: { topic: 'nosuch' } }), {
      code: 17,
      remark: 'topic[nosuch] not exist'
    })
  }
)

t.test("a group's lag is told by queue, with what it consumed last", async (t) => {
  const { rig, broker } = await openTools(t)
  const startMs = rig.clock.now()
  for (let i = 0; i < 4; i++) {
    await send(broker, 'orders', `m${i}`)
    await rig.clock.advance(second)
  }
  await pull(broker, { topic: 'orders', offset: 0, group: 'g', subscription: '*', countMax: 3 })
  await commit(broker, 'g', 0, 2)
  const { offsetTable, consumeTps } = await told(broker, 208, { consumerGroup: 'g' })
  t.strictSame(offsetTable[mq(0)], {
    brokerOffset: 4,
    consumerOffset: 2,
    lastTimestamp: startMs + second,
    pullOffset: 3
  })
  t.strictSame(offsetTable[mq(1)], {
    brokerOffset: 0,
    consumerOffset: 0,
    lastTimestamp: 0,
    pullOffset: 0
  })
  t.equal(consumeTps, 0.3)
  const empty = { offsetTable: {}, consumeTps: 0 }
  t.strictSame(await told(broker, 208, { consumerGroup: 'nosuch' }), empty)
  const named = await told(broker, 208, { consumerGroup: 'h', topic: 'orders' })
  t.equal(named.offsetTable[mq(0)].consumerOffset, 0, 'a topic that is named is told')
  const listed = { consumerGroup: 'g', topicList: 'nosuch;orders;' }
  t.equal(Object.keys((await told(broker, 208, listed)).offsetTable).length, 2)
  const all = await told(broker, 317, { isOrder: 'false' })
  t.strictSame([all.totalDiff, all.totalInflightDiff, all.brokerAddr], [2, 1, '127.0.0.1:10911'])
  t.equal(all.consumeStatsList[0].g[0].offsetTable[mq(0)].consumerOffset, 2)
  t.strictSame((await told(broker, 317, { isOrder: 'true' })).consumeStatsList, [{ g: [] }])
})

t.test('what a live group no longer subscribes to is left out, unless it is listed', async (t) => {
  const { broker } = await openTools(t)
  await commit(broker, 'g', 0, 0)
  const opaque = broker.send(34, { body: heartbeat('c1', 'g', { other: '*' }) })
  while ((await broker.next())?.opaque !== opaque);
  t.strictSame((await told(broker, 208, { consumerGroup: 'g' })).offsetTable, {})
  const named = { consumerGroup: 'g', topic: 'orders' }
  t.strictSame((await told(broker, 208, named)).offsetTable, {})
  const listed = await told(broker, 208, { consumerGroup: 'g', topicList: 'orders;' })
  t.equal(Object.keys(listed.offsetTable).length, 2)
  t.strictSame((await told(broker, 317)).consumeStatsList, [{ g: [] }])
})

t.test('how long what is consumed next has waited', async (t) => {
  const { rig, broker } = await openTools(t)
  const startMs = rig.clock.now()
  for (let i = 0; i < 3; i++) {
    await send(broker, 'orders', `m${i}`)
    await rig.clock.advance(second)
  }
  const span = async () => {
    const { consumeTimeSpanSet } = await told(broker, 303, { topic: 'orders', group: 'g' })
    t.equal(consumeTimeSpanSet.length, 2)
    t.match(consumeTimeSpanSet[1], { minTimeStamp: -1, maxTimeStamp: -1, delayTime: 0 })
    const { messageQueue: _, ...times } = consumeTimeSpanSet[0]
    return times
  }
  const ends = { minTimeStamp: startMs, maxTimeStamp: startMs + 2 * second }
  t.strictSame(await span(), { ...ends, consumeTimeStamp: startMs, delayTime: 3 * second })
  await commit(broker, 'g', 0, 2)
  t.strictSame(await span(), { ...ends, consumeTimeStamp: startMs + second, delayTime: second })
  await commit(broker, 'g', 0, 3)
  t.strictSame(await span(), { ...ends, consumeTimeStamp: startMs + 2 * second, delayTime: 0 })
  t.match(await broker.ask(303, { fields: { topic: 'nosuch', group: 'g' } }), { code: 17 })
})

t.test('statistics are there as soon as there is something to count', async (t) => {
  const { rig, broker } = await openTools(t)
  const stats = (statsName: string, statsKey: string) => told(broker, 315, { statsName, statsKey })
  const absent = { statsName: 'TOPIC_PUT_NUMS', statsKey: 'orders' }
  t.match(await broker.ask(315, { fields: absent }), {
    code: 1,
    remark: 'The stats <TOPIC_PUT_NUMS> <orders> not exist'
  })
  for (const queueId of [0, 0, 1]) await send(broker, 'orders', 'body', { queueId })
  await pull(broker, { topic: 'orders', offset: 0, group: 'g', subscription: '*' })
  const three = { sum: 3, tps: 0.3, avgpt: 1 }
  t.match(await stats('TOPIC_PUT_NUMS', 'orders'), {
    statsMinute: three,
    statsHour: { sum: 3, tps: 0.005 },
    statsDay: { sum: 3 }
  })
  t.match(await stats('BROKER_PUT_NUMS', 'DefaultCluster'), { statsMinute: three })
  t.match(await stats('QUEUE_PUT_NUMS', 'orders@0'), { statsMinute: { sum: 2 } })
  t.match(await stats('GROUP_GET_NUMS', 'orders@g'), { statsMinute: { sum: 2, avgpt: 2 } })
  t.match(await stats('BROKER_GET_NUMS', 'DefaultCluster'), { statsMinute: { sum: 2 } })
  const size = await stats('TOPIC_PUT_SIZE', 'orders')
  t.ok(size.statsMinute.sum > 12)
  for (const [statsName, statsKey] of [
    ['TOPIC_PUT_NUMS', 'nosuch'],
    ['QUEUE_PUT_NUMS', 'orders@9'],
    ['QUEUE_PUT_NUMS', 'orders@x'],
    ['GROUP_GET_NUMS', 'orders@h'],
    ['SNDBCK_PUT_NUMS', 'orders@g'],
    ['BROKER_PUT_NUMS', 'other'],
    ['NOSUCH', 'orders']
  ] as const) {
    t.match(await broker.ask(315, { fields: { statsName, statsKey } }), { code: 1 }, statsName)
  }
  await rig.clock.advance(70 * second)
  const later = await stats('TOPIC_PUT_NUMS', 'orders')
  t.match(later, { statsMinute: { sum: 0, tps: 0, avgpt: 0 }, statsHour: { sum: 3 } })
})

t.test('runtime figures have what tools parse', async (t) => {
  const { rig, broker } = await openTools(t)
  t.equal((await told(broker, 28)).table.earliestMessageTimeStamp, '-1')
  const startMs = rig.clock.now()
  for (let i = 0; i < 20; i++) await send(broker, 'orders', 'body')
  await pull(broker, { topic: 'orders', offset: 0, subscription: '*' })
  await pull(broker, { topic: 'orders', offset: 20, subscription: '*' })
  const { table } = await told(broker, 28)
  t.match(table, {
    brokerVersionDesc: 'V5_3_3',
    brokerVersion: '479',
    brokerActive: 'true',
    bootTimestamp: `${startMs}`,
    runtime: '[ 0 days, 0 hours, 0 minutes, 0 seconds ]',
    putTps: `2 2 ${20 / 600}`,
    getFoundTps: `0.1 0.1 ${1 / 600}`,
    getMissTps: `0.1 0.1 ${1 / 600}`,
    getTotalTps: `0.2 0.2 ${2 / 600}`,
    getTransferredTps: `2 2 ${20 / 600}`,
    getTransferedTps: `2 2 ${20 / 600}`,
    msgPutTotalTodayNow: '20',
    msgPutTotalTodayMorning: '0',
    msgPutTotalYesterdayMorning: '0',
    msgGetTotalTodayNow: '20',
    earliestMessageTimeStamp: `${startMs}`,
    sendThreadPoolQueueSize: '0',
    timerCongestNum: '0',
    timerEnqueueTps: '0'
  })
  const used = Number(table.commitLogDiskRatio)
  t.ok(used >= 0 && used <= 1)
  for (const [name, value] of Object.entries(table)) t.type(value, 'string', name)
  await rig.clock.advance(26 * 3600 * second + 61 * second)
  const later = (await told(broker, 28)).table
  t.match(later, { putTps: '0 0 0', msgPutTotalTodayMorning: '20' })
  t.equal(later.runtime, '[ 1 days, 2 hours, 1 minutes, 1 seconds ]')
})

t.test('settings are told, and none changes while the server runs', async (t) => {
  const { broker, namesrv } = await openTools(t)
  const config = await broker.ask(26)
  t.match(JSON.parse(config.fields.get('version') ?? ''), { counter: 0 })
  const lines = config.body.toString().split('\n')
  for (const line of [
    'brokerName=broker-a',
    'brokerClusterName=DefaultCluster',
    'autoCreateTopicEnable=true',
    'flushDiskType=SYNC_FLUSH',
    'enablePropertyFilter=true',
    'fileReservedTime=168',
    'messageDelayLevel=1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
    'transactionCheckMax=15',
    'transactionTimeOut=6000',
    'maxMessageSize=4194304',
    'storePathRootDir=/data',
    'storeReplyMessageEnable=true',
    'transactionTimeOut=6000',
    'transactionCheckInterval=30000',
    'transactionCheckMax=15'
  ]) {
    t.ok(lines.includes(line), line)
  }
  const update = (peer: RocketmqPeer, code: number, text: string) =>
    peer.ask(code, { body: Buffer.from(text) })
  t.match(await update(broker, 25, 'autoCreateTopicEnable=true\nbrokerName=broker-a\n'), {
    code: 0
  })
  t.match(await update(broker, 25, 'brokerName=broker-a\nflushDiskType=ASYNC_FLUSH\n'), {
    code: 16,
    remark:
      'flushDiskType is SYNC_FLUSH and cannot become ASYNC_FLUSH while the server runs: start it with --flush'
  })
  t.match(await update(broker, 25, 'brokerId=3'), { code: 16, remark: /while the server runs$/ })
  t.match(await update(broker, 25, 'nosuch=1'), {
    code: 16,
    remark: 'nosuch is no setting of this server'
  })
  const told = (await namesrv.ask(319)).body.toString().split('\n')
  t.ok(told.includes('listenPort=9876'))
  t.match(await update(namesrv, 318, 'listenPort=9876'), { code: 0 })
  t.match(await update(namesrv, 318, 'listenPort=1'), { code: 16 })
})
