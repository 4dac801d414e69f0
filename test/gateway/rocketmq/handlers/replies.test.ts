/** Request-reply and message traces: what RocketMQ's clients send each other through the server. */
import t, { type Test } from 'tap'
import { decodeOffsetId, propertyMap } from '../../../../gateway/broker/translate/index.ts'
import { decodeCommand } from '../../../../gateway/rocketmq/codec/index.ts'
import { rocketmqFixtures } from '../../../support/rocketmq-fixtures.ts'
import type { RocketmqPeer } from '../rig.ts'
import { messagesIn, pull, StoreRig, send, textOf } from '../store-rig.ts'

const fixtures = rocketmqFixtures()
const topic = 'DefaultCluster_REPLY_TOPIC'
const pushReply = 326
/** Who waits for the reply in the frame that Java's client sent. */
const asker = '192.0.2.2@22482#6175526235936'

function frameOf(file: string) {
  const found = fixtures.find((one) => one.file === `${file}.hex`)
  if (found === undefined) throw new Error(`no ${file}`)
  return found
}

/** The fields of Java's reply, as it sent it. */
const sentByJava = Object.fromEntries(
  decodeCommand(frameOf('send-reply-message-v2-java-5.3-request').frame).fields
)

async function askerBeats(peer: RocketmqPeer, clientID = asker): Promise<void> {
  const producerDataSet = [{ groupName: 'CLIENT_INNER_PRODUCER' }]
  const body = Buffer.from(JSON.stringify({ clientID, producerDataSet, consumerDataSet: [] }))
  await peer.ask(34, { body })
}

/** Sends Java's reply; the answer is to come. */
function replies(peer: RocketmqPeer, fields = {}): number {
  return peer.send(325, { fields: { ...sentByJava, ...fields }, body: Buffer.from('answer') })
}

async function kept(t: Test, rig: StoreRig) {
  const found = await pull(rig.broker.connect(), { topic, offset: 0, subscription: '*' })
  t.equal(found.code, 0)
  return messagesIn(found)
}

for (const version of ['4.9', '5.3']) {
  t.test(
    `a reply reaches who asked, as Java ${version} was given it by a real broker`,
    async (t) => {
      const rig = await StoreRig.open(t)
      const [peer, waiting] = [rig.broker.connect(), rig.broker.connect()]
      await askerBeats(waiting)
      const opaque = replies(peer)
      const pushed = await waiting.next()
      const real = frameOf(`push-reply-message-to-client-java-${version}-push`).facts
      t.match(pushed, { code: pushReply, flag: real.flag, body: Buffer.from('answer') })
      t.same([...(pushed?.fields.keys() ?? [])].sort(), Object.keys(real.fields).sort())
      const same = ['topic', 'producerGroup', 'defaultTopic', 'queueId', 'sysFlag', 'unitMode']
      for (const name of same) t.equal(pushed?.fields.get(name), real.fields[name], name)
      t.equal(pushed?.fields.get('bornHost'), '10.0.0.9:40000')
      t.equal(pushed?.fields.get('storeHost'), '127.0.0.1:10911')
      t.equal(pushed?.fields.get('storeTimestamp'), `${rig.clock.now()}`)
      const given = propertyMap(Buffer.from(pushed?.fields.get('properties') ?? ''))
      t.same([...given.keys()].sort(), [...namesIn(real.fields.properties)].sort())
      t.equal(given.get('CORRELATION_ID'), 'e7ba621d-edfb-4995-845f-235185665b00')
      t.equal(given.get('PUSH_REPLY_TIME'), `${rig.clock.now()}`)

      t.equal(await answeredYet(peer), undefined, 'who replies is told what became of it')
      waiting.send(0, { flag: 1, opaque: pushed?.opaque ?? -1 })
      const answer = await peer.next()
      const answered = frameOf(`send-reply-message-v2-java-${version}-response`).facts
      t.match(answer, { opaque, code: 0, remark: null })
      t.same([...(answer?.fields.keys() ?? [])].sort(), Object.keys(answered.fields).sort())
      t.equal(decodeOffsetId(answer?.fields.get('msgId') ?? '')?.storeHost.port, 10_911)
      const [stored, ...more] = await kept(t, rig)
      t.same(more, [])
      t.match(stored, { message: { body: Buffer.from('answer') }, place: { queueOffset: 0 } })
      const properties = propertyMap(stored?.message.properties ?? Buffer.alloc(0))
      t.match(Object.fromEntries(properties), { MSG_TYPE: 'reply', REPLY_TO_CLIENT: asker })
      t.notOk(properties.has('PUSH_REPLY_TIME'), 'as a real broker keeps it')
    }
  )
}

/** What has come to a peer without anything else being waited for. */
async function answeredYet(peer: RocketmqPeer) {
  const opaque = peer.send(30, { fields: { topic: 'none', queueId: '0' } })
  const next = await peer.next()
  return next?.opaque === opaque ? undefined : next
}

function namesIn(properties = ''): Iterable<string> {
  return propertyMap(Buffer.from(properties)).keys()
}

t.test('a reply to a client that is not there is refused, and kept', async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.broker.connect()
  const opaque = replies(peer)
  const answer = await peer.next()
  const real = frameOf('send-reply-message-v2-java-5.3-1-response').facts
  t.match(answer, { opaque, code: real.code, remark: real.remark })
  t.same([...(answer?.fields.keys() ?? [])].sort(), Object.keys(real.fields).sort())
  t.equal((await kept(t, rig)).length, 1)

  const nobody = replies(peer, { i: textOf({ CORRELATION_ID: 'x' }) })
  t.match(await peer.next(), {
    opaque: nobody,
    code: 1,
    remark: 'reply message properties[REPLY_TO_CLIENT] is null'
  })
  t.equal((await kept(t, rig)).length, 2)
})

t.test('an asker that does not take the reply, or says no, or goes, is told of', async (t) => {
  const rig = await StoreRig.open(t)
  const [peer, waiting] = [rig.broker.connect(), rig.broker.connect()]
  await askerBeats(waiting)
  const remark = `push reply message to ${asker}fail.`
  replies(peer)
  t.equal((await waiting.next())?.code, pushReply)
  await rig.clock.advance(9999)
  t.equal(await answeredYet(peer), undefined, 'ten seconds are given')
  await rig.clock.advance(1)
  t.match(await peer.next(), { code: 1, remark })

  replies(peer)
  const refused = await waiting.next()
  waiting.send(1, { flag: 1, opaque: refused?.opaque ?? -1, remark: 'no' })
  t.match(await peer.next(), { code: 1, remark })

  replies(peer)
  await waiting.next()
  waiting.socket.destroy()
  t.match(await peer.next(), { code: 1, remark })
  replies(peer)
  t.match(await peer.next(), { code: 1, remark: /channel of <.*> not found/ })
  t.equal((await kept(t, rig)).length, 4, 'each was kept')
})

t.test('a client is where it was heard last, until it is silent or says goodbye', async (t) => {
  const rig = await StoreRig.open(t)
  const [peer, before, after] = [1, 2, 3].map(() => rig.broker.connect())
  if (!peer || !before || !after) throw new Error('three peers')
  await askerBeats(before)
  await askerBeats(after)
  before.socket.destroy()
  replies(peer)
  const pushed = await after.next()
  t.equal(pushed?.code, pushReply)
  after.send(0, { flag: 1, opaque: pushed?.opaque ?? -1 })
  t.equal((await peer.next())?.code, 0)
  const goodbye = { clientID: asker, producerGroup: 'CLIENT_INNER_PRODUCER' }
  t.equal((await after.ask(35, { fields: goodbye })).code, 0)
  replies(peer)
  t.match(await peer.next(), { code: 1, remark: /not found/ })
  await askerBeats(after)
  await rig.clock.advance(130_000)
  replies(peer)
  t.match(await peer.next(), { code: 1, remark: /not found/ })
})

t.test("replies have a route before there is one, and are none of Kafka's business", async (t) => {
  const rig = await StoreRig.open(t, { autoCreate: false })
  const route = async () => {
    const answer = await rig.namesrv.connect().ask(105, { fields: { topic } })
    return JSON.parse(answer.body.toString()).queueDatas
  }
  const queues = [{ readQueueNums: 1, writeQueueNums: 1, perm: 6 }]
  t.match(await route(), queues)
  const peer = rig.broker.connect()
  replies(peer)
  t.equal((await peer.next())?.code, 1)
  t.match(await route(), queues)
  t.same(await rig.topics.list(), [])
  t.equal(await rig.topics.findOrCreate(topic, true), undefined)
  const long = 'x'.repeat(4 * 1024 * 1024 + 1)
  const tooLong = peer.send(325, { fields: sentByJava, body: Buffer.from(long) })
  t.match(await peer.next(), { opaque: tooLong, code: 13, remark: /4194304/ })
  const elsewhere = replies(peer, { b: 'none' })
  t.match(await peer.next(), { opaque: elsewhere, code: 17 })
})

t.test('the topic of traces is made by the first one, and Kafka does not see it', async (t) => {
  const rig = await StoreRig.open(t)
  const trace = 'RMQ_SYS_TRACE_TOPIC'
  const namesrv = rig.namesrv.connect()
  t.equal((await namesrv.ask(105, { fields: { topic: trace } })).code, 17)
  const peer = rig.broker.connect()
  t.match(await send(peer, trace, 'Pub\u0001...', { properties: { KEYS: 'k1 k2' } }), { code: 0 })
  const answer = await namesrv.ask(105, { fields: { topic: trace } })
  const queueDatas = [{ readQueueNums: 4, writeQueueNums: 4, perm: 6 }]
  t.match(JSON.parse(answer.body.toString()), { queueDatas })
  const found = await pull(peer, { topic: trace, offset: 0, subscription: '*' })
  t.equal(messagesIn(found)[0]?.message.body.toString(), 'Pub\u0001...')
  t.same(await rig.topics.list(), [])
  const closed = await StoreRig.open(t, { autoCreate: false })
  t.match(await send(closed.broker.connect(), trace, 'x'), { code: 17 })
})
