import t from 'tap'
import {
  commitFlag,
  decodeMessage,
  isMessageFault,
  physicalOffsetOf,
  propertyMap
} from '../../../gateway/broker/translate/index.ts'
import { type Command, decodeCommand } from '../../../gateway/rocketmq/codec/index.ts'
import { defaultRocketmqLimits } from '../../../gateway/rocketmq/context.ts'
import { fixture } from '../../support/fixtures.ts'
import { rocketmqFixtures } from '../../support/rocketmq-fixtures.ts'
import type { RocketmqPeer } from './rig.ts'
import { send } from './store-rig.ts'
import {
  allTold,
  commitType,
  end,
  group,
  rollbackType,
  sendHalf,
  TransactionRig
} from './transaction-rig.ts'

const checkState = 39
const notFound = { code: 1, remark: 'Find prepared transaction message failed' }
const putAsideTopic = 'TRANS_CHECK_MAX_TIME_TOPIC'

function namesIn(properties: Buffer): string[] {
  return [...propertyMap(properties).keys()].sort()
}

function messageIn(bytes: Buffer) {
  const decoded = decodeMessage(bytes)
  if (isMessageFault(decoded)) throw new Error(decoded.text)
  return decoded
}

/** The one thing that the server has told a peer by itself, if there is one. */
async function told(peer: RocketmqPeer): Promise<Command | undefined> {
  const [first, ...more] = await allTold(peer)
  if (more.length > 0) throw new Error(`${more.length} more were told`)
  return first
}

t.test('a committed half message is the one that a real broker gives consumers', async (t) => {
  const rig = await TransactionRig.open(t)
  const topic = await rig.world.topic('golden', 4)
  const peer = await rig.producer()
  const properties = { TAGS: 'TagT', __transactionId__: 'ID-transacted', KEYS: 'k1' }
  const half = await sendHalf(peer, 'golden', 'transacted', { queueId: 3, properties })
  t.match(Object.fromEntries(half.answer.fields), {
    queueId: '3',
    queueOffset: '0',
    transactionId: 'ID-transacted',
    MSG_REGION: 'DefaultRegion',
    TRACE_ON: 'true'
  })
  t.same(await rig.bodies('golden', 3), [], 'nobody sees it')
  t.equal(half.physicalOffset, physicalOffsetOf(rig.world.timers.queueOf('half'), 0))
  t.equal(await rig.pending(), 1)
  await rig.world.clock.advance(1000)
  t.match(await end(peer, half, commitType), { code: 0, remark: null })
  t.equal(await rig.pending(), 0)

  const [message, ...more] = await rig.messages('golden', 3)
  t.same(more, [])
  const real = messageIn(fixture('rocketmq/pull-java-transaction'))
  t.equal(message?.sysFlag, real.message.sysFlag)
  t.equal(message?.sysFlag, commitFlag)
  t.equal(message?.preparedOffset, half.physicalOffset)
  t.equal(message?.bornTimestampMs, 1_700_000_000_123)
  const without = (names: string[]) => names.filter((name) => name !== 'WAIT' && name !== 'KEYS')
  t.same(
    without(namesIn(message?.properties ?? Buffer.alloc(0))),
    without(namesIn(real.message.properties))
  )
  t.match(Object.fromEntries(propertyMap(message?.properties ?? Buffer.alloc(0))), {
    REAL_TOPIC: 'golden',
    REAL_QID: '3',
    __transactionId__: 'ID-transacted',
    CLUSTER: 'DefaultCluster'
  })
  const query = { key: 'k1', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, countMax: 10 }
  const matches = await rig.world.store.findByKey({ ...query, topicId: topic.id })
  t.same(
    matches.map(({ queue, offset }) => [queue, offset]),
    [[topic.queues[3], 0]]
  )
  t.match(await end(peer, half, commitType), notFound)
  t.match(await end(peer, half, rollbackType), notFound)
  t.same(await rig.bodies('golden', 3), ['transacted'], 'once')
})

t.test('a rolled back half message is never seen', async (t) => {
  const rig = await TransactionRig.open(t)
  await rig.world.topic('orders')
  const peer = await rig.producer()
  const half = await sendHalf(peer, 'orders', 'no')
  const real = rocketmqFixtures().find(({ file }) => file === 'end-transaction-go-response.hex')
  t.match(await end(peer, half, rollbackType), {
    code: real?.facts.code,
    remark: real?.facts.remark
  })
  t.match(await end(peer, half, commitType), notFound)
  await rig.world.clock.advance(60_000)
  t.equal(await told(peer), undefined, 'and nobody is asked')
  t.same(await rig.bodies('orders'), [])
})

t.test('who ends a transaction must know it', async (t) => {
  const rig = await TransactionRig.open(t)
  await rig.world.topic('orders')
  const peer = await rig.producer()
  const half = await sendHalf(peer, 'orders', 'one')
  const other = await sendHalf(peer, 'orders', 'two')
  const ended = async (place: object, more: Parameters<typeof end>[3] = {}) => {
    const { code, remark } = await end(peer, { ...half, ...place }, commitType, more)
    return [code, remark]
  }
  t.same(await ended({}, { producerGroup: 'others' }), [1, 'The producer group wrong'])
  const wrongOffset = [1, 'The transaction state table offset wrong']
  t.same(await ended({ offset: other.offset }), wrongOffset)
  for (const physicalOffset of [0n, -1n, 123_456_789_012n, half.physicalOffset + 9n]) {
    t.same(await ended({ physicalOffset }), [1, notFound.remark])
  }
  const plain = await send(peer, 'orders', 'plain')
  const orders = await rig.topics.findByName('orders')
  const physicalOffset = physicalOffsetOf(orders?.queues[0] ?? 0, 0)
  t.equal(plain.code, 0)
  t.same(await ended({ physicalOffset }), [1, notFound.remark], 'a message is no half message')
  t.equal((await end(peer, half, 0)).code, 0, 'not known yet')
  t.equal((await end(peer, half, 4)).code, 0, 'nor is this an outcome')
  t.same(await rig.bodies('orders'), ['plain'])
  t.equal(await rig.pending(), 2)
  t.equal((await end(peer, half, commitType)).code, 0)
})

for (const version of ['java-5.3', 'java-4.9', 'go']) {
  t.test(`a producer is asked as a real broker asks ${version}`, async (t) => {
    const rig = await TransactionRig.open(t)
    await rig.world.topic('orders', 2)
    const peer = await rig.producer()
    const half = await sendHalf(peer, 'orders', 'open', { queueId: 1 })
    const storedMs = rig.world.clock.now()
    await rig.world.clock.advance(5999)
    t.equal(await told(peer), undefined, 'not before its time')
    await rig.world.clock.advance(1)
    const asked = await told(peer)
    const name = `check-transaction-state-${version}-oneway-push.hex`
    const real = rocketmqFixtures().find(({ file }) => file === name)
    t.match(asked, { code: checkState, flag: real?.facts.flag })
    t.same([...(asked?.fields.keys() ?? [])].sort(), Object.keys(real?.facts.fields ?? {}).sort())
    t.match(Object.fromEntries(asked?.fields ?? []), {
      topic: 'RMQ_SYS_TRANS_HALF_TOPIC',
      bname: 'broker-a',
      tranStateTableOffset: '0',
      commitLogOffset: `${half.physicalOffset}`,
      msgId: 'ID-open',
      transactionId: 'ID-open',
      offsetMsgId: half.answer.fields.get('msgId')
    })
    const body = messageIn(asked?.body ?? Buffer.alloc(0))
    const realBody = messageIn(decodeCommand(real?.frame ?? Buffer.alloc(0)).body)
    t.equal(body.message.sysFlag, realBody.message.sysFlag)
    t.same(body.place, {
      topic: Buffer.from('orders'),
      queueId: 1,
      queueOffset: 0,
      physicalOffset: half.physicalOffset,
      storeTimestampMs: storedMs,
      storeHost: { address: Buffer.from([127, 0, 0, 1]), port: 10_911 }
    })
    const names = namesIn(realBody.message.properties).filter(
      (name) => !/^(WAIT|KEYS|TAGS)$/.test(name)
    )
    t.same(namesIn(body.message.properties), names)
    t.equal(propertyMap(body.message.properties).get('TRANSACTION_CHECK_TIMES'), '1')

    await rig.world.clock.advance(29_999)
    t.equal(await told(peer), undefined)
    await rig.world.clock.advance(1)
    const again = messageIn((await told(peer))?.body ?? Buffer.alloc(0))
    t.equal(propertyMap(again.message.properties).get('TRANSACTION_CHECK_TIMES'), '2')
    const ended = await end(peer, half, commitType, { fromTransactionCheck: true })
    t.equal(ended.code, 0)
    const [message] = await rig.messages('orders', 1)
    t.equal(message?.property('TRANSACTION_CHECK_TIMES'), '2')
    await rig.world.clock.advance(60_000)
    t.equal(await told(peer), undefined, 'it is decided')
  })
}

t.test('any producer of the group is asked, in turn, and no other', async (t) => {
  const rig = await TransactionRig.open(t)
  await rig.world.topic('orders')
  const [one, two] = [await rig.producer('p1'), await rig.producer('p2')]
  const stranger = await rig.producer('p3', 'others')
  await sendHalf(one, 'orders', 'open')
  const asked: string[] = []
  const beat = async () => {
    for (const [name, peer] of Object.entries({ one, two, stranger })) {
      if (!peer.closed && (await told(peer))?.code === checkState) asked.push(name)
    }
  }
  await rig.world.clock.advance(6000)
  await beat()
  await rig.world.clock.advance(30_000)
  await beat()
  t.same(asked.sort(), ['one', 'two'])
  one.socket.destroy()
  for (let i = 0; i < 2; i++) {
    await rig.world.clock.advance(30_000)
    await beat()
  }
  t.same(asked.sort(), ['one', 'two', 'two', 'two'])
})

t.test('a client that takes nothing is not asked', async (t) => {
  const limits = { ...defaultRocketmqLimits, pushBytesMax: -1 }
  const rig = await TransactionRig.open(t, { services: { limits } })
  await rig.world.topic('orders')
  const peer = await rig.producer()
  await sendHalf(peer, 'orders', 'open')
  await rig.world.clock.advance(6000)
  t.equal(await told(peer), undefined)
  t.equal(await rig.pending(), 1)
})

t.test('what nobody decides about is put aside, where RocketMQ has it', async (t) => {
  const transactionLimits = {
    transactionCheckAfterMs: 1000,
    transactionCheckIntervalMs: 500,
    transactionCheckMax: 3
  }
  const rig = await TransactionRig.open(t, { services: { transactionLimits } })
  await rig.world.topic('orders')
  const peer = rig.broker.connect()
  const half = await sendHalf(peer, 'orders', 'lost')
  const place = { topic: putAsideTopic }
  t.equal((await peer.ask(105, { fields: place })).code, 17)
  // Nobody is there to be asked: it counts all the same, as with a real broker.
  await rig.world.clock.advance(1000 + 2 * 500)
  t.same(await rig.bodies(putAsideTopic), [])
  t.equal(await rig.pending(), 1)
  await rig.world.clock.advance(500)
  t.equal(await rig.pending(), 0)
  const [message, ...more] = await rig.messages(putAsideTopic)
  t.same(more, [])
  t.equal(message?.body.toString(), 'lost')
  t.equal(message?.property('TRANSACTION_CHECK_TIMES'), '3')
  t.equal(message?.property('REAL_TOPIC'), 'orders')
  t.match(await end(peer, half, commitType), notFound)
  const route = await peer.ask(105, { fields: place })
  const queueDatas = [{ readQueueNums: 1, writeQueueNums: 1, perm: 6 }]
  t.match(JSON.parse(route.body.toString()), { queueDatas })
  t.match(await send(peer, putAsideTopic, 'x'), { code: 16 })
  t.same(
    (await rig.topics.list()).map(({ names }) => names.kafka),
    ['orders'],
    "none of Kafka's business"
  )
  const { log } = rig.broker
  const fields = { group, uniqueKey: 'ID-lost', checks: 3 }
  t.match(log.at(-1), { level: 'warn', event: 'transaction-given-up', fields })
})

t.test('a half message may choose when its producer is asked, and is bound to it', async (t) => {
  const rig = await TransactionRig.open(t)
  await rig.world.topic('orders')
  const peer = await rig.producer()
  const patient = (seconds: string) => ({
    properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: seconds }
  })
  const late = await sendHalf(peer, 'orders', 'late', patient('20'))
  const early = await sendHalf(peer, 'orders', 'early', patient('2'))
  const odd = await sendHalf(peer, 'orders', 'odd', patient('soon'))
  const plain = await sendHalf(peer, 'orders', 'plain')
  const asked = async () => (await allTold(peer)).map(({ fields }) => fields.get('msgId')).sort()
  await rig.world.clock.advance(2000)
  t.same(await asked(), ['ID-early'])
  t.equal((await end(peer, early, commitType)).code, 0, 'six seconds are always given')
  await rig.world.clock.advance(4001)
  t.same(await asked(), ['ID-odd', 'ID-plain'])
  t.match(await end(peer, odd, commitType), { code: 604 }, 'too late unless asked')
  const answered = await end(peer, odd, rollbackType, { fromTransactionCheck: true })
  t.equal(answered.code, 0)
  t.equal((await end(peer, plain, commitType)).code, 0, 'it chose nothing')
  await rig.world.clock.advance(13_998)
  t.same(await asked(), [])
  t.equal(await rig.pending(), 1)
  await rig.world.clock.advance(1)
  t.same(await asked(), ['ID-late'])
  await rig.world.clock.advance(1)
  t.match(await end(peer, late, rollbackType), { code: 604 })
  t.same(await rig.bodies('orders'), ['early', 'plain'])
})

t.test('exactly one outcome wins', async (t) => {
  const rig = await TransactionRig.open(t)
  await rig.world.topic('orders')
  const peers = [await rig.producer('p1'), await rig.producer('p2'), await rig.producer('p3')]
  let committed = 0
  for (let i = 0; i < 20; i++) {
    const half = await sendHalf(peers[0] as RocketmqPeer, 'orders', `m${i}`)
    const outcomes = [commitType, commitType, rollbackType]
    const answers = await Promise.all(
      peers.map((peer, j) => end(peer, half, outcomes[(i + j) % 3] ?? 0))
    )
    t.equal(answers.filter(({ code }) => code === 0).length, 1)
    const winner = answers.findIndex(({ code }) => code === 0)
    if (outcomes[(i + winner) % 3] === commitType) committed++
  }
  t.equal((await rig.bodies('orders')).length, committed)
  t.equal(await rig.pending(), 0)
})

t.test('half messages and outcomes survive a loss of power', async (t) => {
  const rig = await TransactionRig.open(t)
  await rig.world.topic('orders')
  const peer = await rig.producer()
  const halves = []
  for (const body of ['a', 'b', 'c', 'd']) halves.push(await sendHalf(peer, 'orders', body))
  const [a, b, c, d] = halves
  if (!a || !b || !c || !d) throw new Error('four')
  t.equal((await end(peer, a, commitType)).code, 0)
  t.equal((await end(peer, b, rollbackType)).code, 0)
  await rig.world.crash()

  const after = await rig.producer()
  t.same(await rig.bodies('orders'), ['a'])
  t.match(await end(after, a, commitType), notFound)
  t.match(await end(after, b, commitType), notFound)
  t.equal((await end(after, c, commitType)).code, 0)
  await rig.world.clock.advance(6000)
  const asked = await told(after)
  t.equal(asked?.fields.get('msgId'), 'ID-d')
  await rig.world.crash()

  const last = await rig.producer()
  await rig.world.clock.advance(29_999)
  t.equal(await told(last), undefined, 'how often it was asked about is not forgotten')
  await rig.world.clock.advance(1)
  const again = messageIn((await told(last))?.body ?? Buffer.alloc(0))
  t.equal(propertyMap(again.message.properties).get('TRANSACTION_CHECK_TIMES'), '2')
  t.equal((await end(last, d, commitType, { fromTransactionCheck: true })).code, 0)
  t.same(await rig.bodies('orders'), ['a', 'c', 'd'])
})

t.test('the end of a topic is the end of its half messages', async (t) => {
  const rig = await TransactionRig.open(t)
  const topic = await rig.world.topic('orders', 3)
  const peer = await rig.producer()
  const half = await sendHalf(peer, 'orders', 'told')
  await sendHalf(peer, 'orders', 'asked')
  const narrowed = await sendHalf(peer, 'orders', 'narrowed', { queueId: 2 })
  const update = { writeQueues: 2 }
  await rig.world.store.commit({ changes: [{ op: 'update-topic', id: topic.id, update }] })
  t.equal((await end(peer, narrowed, commitType)).code, 0)
  t.same(await rig.bodies('orders', 0), ['narrowed'], 'queue 2 modulo the 2 that are written')
  await rig.topics.delete(topic.id)
  t.match(await end(peer, half, commitType), { code: 17 })
  t.match(await end(peer, half, commitType), notFound)
  await rig.world.clock.advance(6000)
  t.equal(await told(peer), undefined)
  t.equal(await rig.pending(), 0)
})

t.test('a half message that cannot be kept is refused', async (t) => {
  const rig = await TransactionRig.open(t, { limits: { timersMax: 1 } })
  await rig.world.topic('orders')
  const peer = await rig.producer()
  const remark = /prepared for a transaction without TRAN_MSG/
  t.match(await send(peer, 'orders', 'x', { sysFlag: 4 }), { code: 13, remark })
  const roomy = { TRAN_MSG: 'true', a: 'x'.repeat(32_600) }
  t.match(await send(peer, 'orders', 'x', { properties: roomy }), {
    code: 13,
    remark: /properties/
  })
  const delayed = { TRAN_MSG: 'true', PGROUP: group, DELAY: '3' }
  t.match(await send(peer, 'orders', 'x', { properties: delayed }), { code: 13, remark: /delayed/ })
  await sendHalf(peer, 'orders', 'first')
  const second = await send(peer, 'orders', 'x', {
    properties: { TRAN_MSG: 'TRUE', PGROUP: group }
  })
  t.match(second, { code: 1, remark: /1 timers may be pending/ })
  t.same(await rig.bodies('orders'), [])
})
