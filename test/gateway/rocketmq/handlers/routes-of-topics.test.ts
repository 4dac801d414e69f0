import t from 'tap'
import { RocketmqRig } from '../rig.ts'
import { StoreRig } from '../store-rig.ts'

t.test("a topic's route is byte for byte what clients compare", async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 3)
  const peer = rig.namesrv.connect('10.1.2.3')
  const { code, body } = await peer.ask(105, { fields: { topic: 'orders' } })
  t.equal(code, 0)
  t.equal(
    body.toString(),
    '{"brokerDatas":[{"brokerAddrs":{"0":"10.1.2.3:10911"},"brokerName":"broker-a",' +
      '"cluster":"DefaultCluster","enableActingMaster":false}],"filterServerTable":{},"queueDatas":' +
      '[{"brokerName":"broker-a","perm":6,"readQueueNums":3,"topicSysFlag":0,"writeQueueNums":3}]}'
  )
  t.same(
    (await rig.broker.connect('10.1.2.3').ask(105, { fields: { topic: 'orders' } })).body,
    body
  )
})

t.test('an advertised address is in the route', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const { services } = rig.namesrv
  const advertise = ['broker=10.9.8.7:4000']
  const { addresses, ...rest } = services
  t.ok(addresses)
  const other = new RocketmqRig({ role: 'namesrv', services: rest, advertise, clock: rig.clock })
  const { body } = await other.connect().ask(105, { fields: { topic: 'orders' } })
  const [broker] = JSON.parse(body.toString()).brokerDatas
  t.same(broker.brokerAddrs, { 0: '10.9.8.7:4000' })
})

t.test('a topic that does not exist has no route, unless sending makes it', async (t) => {
  const rig = await StoreRig.open(t)
  const remark = 'No topic route info in name server for the topic: none'
  t.match(await rig.namesrv.connect().ask(105, { fields: { topic: 'none' } }), { code: 17, remark })
  const made = await rig.namesrv.connect().ask(105, { fields: { topic: 'TBW102' } })
  const [queues] = JSON.parse(made.body.toString()).queueDatas
  t.match(queues, { perm: 7, readQueueNums: 8, writeQueueNums: 8 })
  const closed = await StoreRig.open(t, { autoCreate: false })
  t.match(await closed.namesrv.connect().ask(105, { fields: { topic: 'TBW102' } }), { code: 17 })
})

t.test("all topics are listed, Kafka's too, by RocketMQ's names", async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  await rig.topics.findOrCreate('orders.eu', true)
  await rig.topics.findOrCreate(`${'x'.repeat(100)}${'.'.repeat(20)}`, true)
  const { body } = await rig.namesrv.connect().ask(206)
  t.equal(body.toString(), '{"topicList":["orders","orders|2Eeu"]}')
})
