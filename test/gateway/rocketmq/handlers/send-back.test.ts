import t, { type Test } from 'tap'
import type { Command } from '../../../../gateway/rocketmq/codec/index.ts'
import { consumerSendMsgBackRequest } from '../../../../gateway/rocketmq/headers/consumer-send-msg-back.ts'
import { sendMessageV2Request } from '../../../../gateway/rocketmq/headers/send-message.ts'
import { encodeBatch } from '../../../../storage/batch/encode-batch.ts'
import { messagesIn, pull, StoreRig, send, textOf } from '../store-rig.ts'

const [locks, unlocks, update, config] = [41, 42, 200, 351]

interface Back {
  offset?: bigint
  group?: string
  delayLevel?: number
  maxReconsumeTimes?: number | undefined
  version?: number
}

async function open(t: Test) {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const properties = { UNIQ_KEY: 'ABC', KEYS: 'k', TAGS: 'TagA', own: 'x' }
  const sent = await send(peer, 'orders', 'hello', { properties })
  const msgId = sent.fields.get('msgId') ?? ''
  const physicalOffset = BigInt(`0x${msgId.slice(-16)}`)
  const back = (more: Back = {}): Promise<Command> => {
    const { offset = physicalOffset, group = 'g', delayLevel = 0, version } = more
    const times = 'maxReconsumeTimes' in more ? more.maxReconsumeTimes : 16
    const header = { offset, group, delayLevel, maxReconsumeTimes: times }
    const fields = consumerSendMsgBackRequest.header.write(header)
    return peer.ask(consumerSendMsgBackRequest.code, {
      fields: Object.fromEntries(fields),
      ...(version === undefined ? {} : { version })
    })
  }
  const configure = (settings: object) =>
    peer.ask(update, { body: Buffer.from(JSON.stringify(settings)) })
  /** What is in a queue: all of it. */
  const all = async (topic: string, queueId = 0) => {
    const found = await pull(peer, {
      topic,
      queueId,
      offset: 0,
      group: 'reader',
      subscription: '*'
    })
    return found.code === 0 ? messagesIn(found) : []
  }
  return { rig, peer, msgId, physicalOffset, back, configure, all }
}

function propertiesOf({ message }: { message: { properties: Buffer } }): Record<string, string> {
  const pairs = message.properties.toString().split('\u0002').filter(Boolean)
  return Object.fromEntries(pairs.map((pair) => pair.split('\u0001') as [string, string]))
}

t.test(
  'a message that is sent back comes again, never early, as a real broker has it',
  async (t) => {
    const { rig, back, all, msgId } = await open(t)
    t.match(await back(), { code: 0 })
    await rig.clock.advance(9_999)
    t.same(await all('%RETRY%g'), [], '10 s are not over')
    await rig.clock.advance(1)
    const [copy, ...others] = await all('%RETRY%g')
    t.same(others, [])
    t.match(copy?.message, { reconsumeTimes: 1, flag: 0, sysFlag: 0 })
    t.equal(copy?.message.bornTimestampMs, 1_700_000_000_123)
    t.equal(copy?.message.body.toString(), 'hello')
    t.same(copy && propertiesOf(copy), {
      UNIQ_KEY: 'ABC',
      KEYS: 'k',
      TAGS: 'TagA',
      own: 'x',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
      CLUSTER: 'DefaultCluster',
      RETRY_TOPIC: 'orders',
      ORIGIN_MESSAGE_ID: msgId,
      DELAY: '3',
      REAL_TOPIC: '%RETRY%g',
      REAL_QID: '0'
    })
  }
)

t.test('it waits longer each time, remembers where it was first, and is given up', async (t) => {
  const { rig, back, all, msgId } = await open(t)
  const waitsMs = [10_000, 30_000, 60_000]
  await back({ maxReconsumeTimes: 3 })
  for (const [i, waitMs] of waitsMs.entries()) {
    await rig.clock.advance(waitMs - 1)
    t.equal((await all('%RETRY%g')).length, i)
    await rig.clock.advance(1)
    const copies = await all('%RETRY%g')
    t.equal(copies.length, i + 1)
    const last = copies.at(-1)
    t.equal(last?.message.reconsumeTimes, i + 1)
    const named = { RETRY_TOPIC: 'orders', ORIGIN_MESSAGE_ID: msgId, DELAY: `${3 + i}` }
    t.match(last && propertiesOf(last), named)
    t.same(await all('%DLQ%g'), [])
    await back({ offset: last?.place.physicalOffset ?? 0n, maxReconsumeTimes: 3 })
  }
  const id = (await rig.topics.findByName('orders'))?.id ?? ''
  const counted = rig.broker.services.traffic.sentBackBy('g', id)
  t.equal(counted?.total.times, 4, 'each is counted for the topic where it was first')
  const [dead, ...others] = await all('%DLQ%g')
  t.same(others, [])
  t.equal(dead?.message.reconsumeTimes, 4)
  t.match(dead && propertiesOf(dead), {
    RETRY_TOPIC: 'orders',
    ORIGIN_MESSAGE_ID: msgId,
    DELAY: '0'
  })
  await rig.clock.advance(24 * 3_600_000)
  t.equal((await all('%RETRY%g')).length, 3, 'and never comes again')
})

t.test('the client says how long and how often, or the group does', async (t) => {
  const { rig, back, all, configure } = await open(t)
  await back({ delayLevel: 1 })
  await rig.clock.advance(1000)
  t.equal((await all('%RETRY%g')).length, 1)
  await back({ delayLevel: 99 })
  await rig.clock.advance(7_199_999)
  t.equal((await all('%RETRY%g')).length, 1)
  await rig.clock.advance(1)
  const last = (await all('%RETRY%g')).at(-1)
  t.equal(last && propertiesOf(last).DELAY, '18', 'two hours at most')

  await back({ delayLevel: -1 })
  t.equal((await all('%DLQ%g')).length, 1, 'given up')
  await back({ maxReconsumeTimes: 0 })
  t.equal((await all('%DLQ%g')).length, 2)
  await back({ maxReconsumeTimes: 0, version: 120 })
  t.equal((await all('%DLQ%g')).length, 2, 'clients of old mean nothing by it')
  await configure({ groupName: 'g', retryMaxTimes: 0 })
  await back({ maxReconsumeTimes: undefined })
  t.equal((await all('%DLQ%g')).length, 3)
  await back({ maxReconsumeTimes: 1 })
  t.equal((await all('%DLQ%g')).length, 3, 'the client knows better')
})

t.test(
  "a retry topic has the group's number of queues, and copies are spread over them",
  async (t) => {
    const { rig, peer, back, all, configure } = await open(t)
    await configure({ groupName: 'g', retryQueueNums: 3 })
    for (let i = 0; i < 30; i++) await back({ delayLevel: 1 })
    const { body } = await peer.ask(config, { fields: { topic: '%RETRY%g' } })
    t.match(JSON.parse(body.toString()), { readQueueNums: 3, writeQueueNums: 3, perm: 6 })
    await rig.clock.advance(1000)
    const counts = await Promise.all(
      [0, 1, 2].map(async (queue) => (await all('%RETRY%g', queue)).length)
    )
    t.equal(counts[0]! + counts[1]! + counts[2]!, 30)
    t.ok(
      counts.every((count) => count > 0),
      `${counts}`
    )
    const [copy] = await all('%RETRY%g', 2)
    t.equal(copy && propertiesOf(copy).REAL_QID, '2')

    await configure({ groupName: 'g', retryQueueNums: 8 })
    for (let i = 0; i < 20; i++) await back({ delayLevel: 1 })
    await rig.clock.advance(1000)
    const after = await Promise.all(
      [0, 1, 2].map(async (queue) => (await all('%RETRY%g', queue)).length)
    )
    t.equal(after[0]! + after[1]! + after[2]!, 50, 'none goes where nobody reads')

    await configure({ groupName: 'none', retryQueueNums: 0 })
    t.match(await back({ group: 'none' }), { code: 0 }, 'nothing is wanted again')
    t.match(await peer.ask(config, { fields: { topic: '%RETRY%none' } }), { code: 17 })
  }
)

t.test('what cannot be sent back is refused as by a real broker', async (t) => {
  const { rig, peer, back, physicalOffset } = await open(t)
  const lost = (offset: bigint) => ({ code: 1, remark: `look message by offset failed, ${offset}` })
  for (const offset of [
    -1n,
    0n,
    123_456_789_012n,
    physicalOffset + 1n,
    physicalOffset + (1n << 39n)
  ])
    t.match(await back({ offset }), lost(offset))
  t.match(await back({ group: 'a.b' }), {
    code: 26,
    remark: /^subscription group not exist, a\.b \nSee https:/
  })
  const perm = { readQueueNums: '1', writeQueueNums: '1', perm: '4', topicFilterType: 'SINGLE_TAG' }
  await peer.ask(17, { fields: { topic: '%RETRY%p', ...perm } })
  t.match(await back({ group: 'p' }), {
    code: 16,
    remark: 'the topic[%RETRY%p] sending message is forbidden'
  })
  await peer.ask(17, { fields: { topic: '%DLQ%d', ...perm } })
  t.match(
    await back({ group: 'd', delayLevel: -1 }),
    { code: 0 },
    'the dead are taken all the same'
  )
  await back({ delayLevel: 5 })
  const waiting = physicalOffset & ((1n << 39n) - 1n)
  const hidden = await rig.store.findTopic({ kafkaName: 'rmq.sys.delayed' })
  const place = (BigInt(hidden?.queues[0] ?? 0) << 39n) | waiting
  t.match(await back({ offset: place }), lost(place), 'what waits is nobody’s to send back')
  rig.groups.ownership.claim('k', {
    protocol: 'kafka',
    reads: () => true,
    members: () => [],
    topics: () => undefined
  })
  t.match(await back({ group: 'k' }), { code: 16 })
})

t.test(
  "a Kafka client's record comes again as the message that carries it, and is the record still",
  async (t) => {
    const { rig, back, all } = await open(t)
    const topic = await rig.topics.findByName('orders')
    const header = { name: Buffer.from('h'), value: Buffer.from([0xff]) }
    const key = Buffer.from('key')
    const batch = encodeBatch([{ key, value: null, headers: [header], timestamp: 1000 }])
    const { appends } = await rig.store.commit({
      appends: [{ queue: topic?.queues[1] ?? 0, batches: [batch], origin: 'kafka' }]
    })
    const offset = (BigInt(topic?.queues[1] ?? 0) << 39n) | BigInt(appends[0]?.baseOffset ?? 0)
    await back({ offset, delayLevel: 1 })
    await rig.clock.advance(1000)
    const [copy] = await all('%RETRY%g')
    t.match(copy && propertiesOf(copy), {
      KEYS: 'key',
      KAFKA_VALUE: 'null',
      RETRY_TOPIC: 'orders',
      DELAY: '1'
    })
  }
)

t.test('a timer message that is sent back is not in the wheel again', async (t) => {
  const { rig, peer, back, all } = await open(t)
  const properties = { UNIQ_KEY: 'T', TIMER_DELAY_MS: '1000' }
  await send(peer, 'orders', 'timed', { queueId: 1, properties })
  await rig.clock.advance(1000)
  const [timed] = await all('orders', 1)
  const before = timed && propertiesOf(timed)
  await back({ offset: timed?.place.physicalOffset ?? 0n, delayLevel: 1 })
  await rig.clock.advance(1000)
  const [copy] = await all('%RETRY%g')
  const { TIMER_DELAY_MS: asked, ...rest } = before ?? {}
  t.equal(asked, '1000')
  const own = { RETRY_TOPIC: 'orders', DELAY: '1', REAL_TOPIC: '%RETRY%g', REAL_QID: '0' }
  const { ORIGIN_MESSAGE_ID: _, ...copied } = (copy && propertiesOf(copy)) ?? {}
  t.same(copied, { ...rest, ...own })
})

t.test('what a client sends to a retry topic itself is taken, or is dead', async (t) => {
  const { rig, peer, all, configure } = await open(t)
  const sendAgain = (
    topic: string,
    times: { reconsumeTimes?: number; maxReconsumeTimes?: number },
    properties: Record<string, string> = {}
  ) =>
    peer.askFor(
      sendMessageV2Request,
      {
        producerGroup: 'p',
        topic,
        defaultTopic: 'none',
        defaultTopicQueueNums: 4,
        queueId: 0,
        sysFlag: 0,
        bornTimestamp: 1,
        flag: 0,
        properties: textOf({ UNIQ_KEY: 'ABC', RETRY_TOPIC: 'orders', ...properties }),
        ...times
      },
      { body: Buffer.from('again') }
    )
  const most = { reconsumeTimes: 16, maxReconsumeTimes: 16 }
  t.match(await sendAgain('%RETRY%g', most), { code: 0 }, 'the topic is made')
  const [taken] = await all('%RETRY%g')
  t.equal(taken?.message.reconsumeTimes, 16)
  const { body } = await peer.ask(config, { fields: { topic: '%RETRY%g' } })
  t.match(JSON.parse(body.toString()), { readQueueNums: 1, writeQueueNums: 1 })

  const answer = await sendAgain('%RETRY%g', { ...most, reconsumeTimes: 17 }, { DELAY: '5' })
  t.match(answer, { code: 0 })
  const [dead] = await all('%DLQ%g')
  t.equal(dead?.message.reconsumeTimes, 17)
  t.match(dead && propertiesOf(dead), { RETRY_TOPIC: 'orders', DELAY: '-1', UNIQ_KEY: 'ABC' })
  const id = BigInt(`0x${answer.fields.get('msgId')?.slice(-16)}`)
  t.equal(id, dead?.place.physicalOffset, 'the sender is told where it is')

  t.match(await sendAgain('%RETRY%g', { reconsumeTimes: 1 }, { DELAY: '1' }), { code: 0 })
  await rig.clock.advance(999)
  t.equal((await all('%RETRY%g')).length, 1)
  await rig.clock.advance(1)
  const later = (await all('%RETRY%g')).at(-1)
  t.match(later && propertiesOf(later), { DELAY: '1', REAL_TOPIC: '%RETRY%g' }, 'after a while')

  await configure({ groupName: 'g', retryMaxTimes: 2 })
  t.match(await sendAgain('%RETRY%g', { reconsumeTimes: 3 }), { code: 0 })
  t.equal((await all('%DLQ%g')).length, 2, "the group's number, where the client says none")

  const mqSet = [{ brokerName: 'broker-a', topic: 'orders', queueId: 0 }]
  const lock = Buffer.from(JSON.stringify({ clientId: 'c', consumerGroup: 'o', mqSet }))
  await peer.ask(locks, { body: lock })
  t.match(await sendAgain('%RETRY%o', { reconsumeTimes: 1 }, { DELAY: '3' }), { code: 0 })
  t.equal((await all('%DLQ%o')).length, 1, 'a group that consumes in order gives up at once')
  await peer.ask(unlocks, { body: lock })
  t.match(await sendAgain('%RETRY%o', { reconsumeTimes: 1 }), { code: 0 })
  t.equal((await all('%DLQ%o')).length, 1)
  await peer.ask(locks, { body: lock })
  await rig.clock.advance(60_000)
  t.match(await sendAgain('%RETRY%o', { reconsumeTimes: 1 }), { code: 0 })
  t.equal((await all('%DLQ%o')).length, 1, 'nobody holds a queue any more')

  const refused = await sendAgain('%RETRY%'.padEnd(128, 'x'), {})
  t.match(refused, { code: 26, remark: /^subscription group not exist, x+ \nSee/ })
})
