import t from 'tap'
import { defaultRocketmqLimits } from '../../../../gateway/rocketmq/context.ts'
import { MessageFilters } from '../../../../gateway/rocketmq/filter/message-filters.ts'
import type { RocketmqPeer } from '../rig.ts'
import { beat, bodiesIn, pull, pullFields, StoreRig, send } from '../store-rig.ts'

const getBrokerConfig = 26
const sql = { expressionType: 'SQL92' }

async function sendPeople(peer: RocketmqPeer, topic: string): Promise<void> {
  const people = { Ada: '36', Bob: '17', Cyd: '', Dan: '90', Eve: 'old' }
  for (const [name, age] of Object.entries(people)) {
    const properties: Record<string, string> = age === '' ? {} : { age }
    await send(peer, topic, name, { properties: { ...properties, TAGS: name.slice(0, 1) } })
  }
}

async function join(peer: RocketmqPeer, expression: string, version: number): Promise<void> {
  const told = beat(peer, 'c1', 'g', { people: expression }, { ...sql, version })
  await told.catch(() => peer.next())
}

t.test('a pull with an expression gets what it is true for', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('people')
  const peer = rig.broker.connect()
  await sendPeople(peer, 'people')
  const wanted = async (subscription: string, offset = 0) =>
    await pull(peer, { topic: 'people', offset, subscription, ...sql })
  const adults = await wanted('age >= 18')
  t.same(bodiesIn(adults), ['Ada', 'Dan'])
  t.equal(adults.fields.get('nextBeginOffset'), '5')
  t.same(bodiesIn(await wanted("age IS NULL OR age = 'old'")), ['Cyd', 'Eve'])
  t.same(bodiesIn(await wanted("TAGS IN ('A', 'B') AND CLUSTER = 'DefaultCluster'")), [
    'Ada',
    'Bob'
  ])
  const none = await wanted('age > 100')
  t.match(none, { code: 20, remark: 'NO_MATCHED_MESSAGE' })
  t.equal(none.fields.get('nextBeginOffset'), '5', 'what is not wanted is behind it')
  t.match(await wanted('age > 100', 5), { code: 19 })
  t.match(await wanted('age >'), { code: 23, remark: /parse .* line 1, column 6; expected/ })
  t.match(await wanted(''), { code: 23 })
  const other = { topic: 'people', offset: 0, subscription: 'a > 1', expressionType: 'XPATH' }
  t.match(await pull(peer, other), { code: 1, remark: /does not support .* XPATH/ })
})

t.test("a pull without one has its group's, whatever it says of its type", async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('people')
  const peer = rig.broker.connect()
  await sendPeople(peer, 'people')
  await join(peer, 'age < 18', 5)
  // As Go's: TAG, and no version.
  t.same(bodiesIn(await pull(peer, { topic: 'people', offset: 0 })), ['Bob'])
  const own = { topic: 'people', offset: 0, subscription: 'age > 36', ...sql }
  t.same(bodiesIn(await pull(peer, own)), ['Dan'], "a pull's own comes first")
  t.same(bodiesIn(await pull(peer, { topic: 'people', offset: 0, subscription: 'C' })), ['Cyd'])
  await join(peer, 'age > 36', 4)
  t.same(
    bodiesIn(await pull(peer, { topic: 'people', offset: 0 })),
    ['Bob'],
    'what is older is not'
  )
  await join(peer, 'age > 36', 6)
  t.same(bodiesIn(await pull(peer, { topic: 'people', offset: 0 })), ['Dan'])
  t.match(await pull(peer, { topic: 'people', offset: 0, subVersion: 7 }), { code: 25 })
  await join(peer, 'age ?', 7)
  const wrong = await pull(peer, { topic: 'people', offset: 0, subVersion: 7 })
  t.match(wrong, {
    code: 27,
    remark: /expression may be wrong! Encountered "\?" at line 1, column 5/
  })
})

t.test('a held pull is woken only by what its expression is true for', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('people')
  const [peer, producer] = [rig.broker.connect(), rig.broker.connect()]
  const place = { topic: 'people', offset: 0, waitMs: 15_000 }
  const fields = pullFields({ ...place, subscription: 'age > 18', ...sql })
  const held = peer.send(11, { fields })
  const pulls = () => rig.broker.handled.filter(({ request }) => request === 'PULL_MESSAGE').length
  for (const age of ['5', '18', 'old']) {
    await send(producer, 'people', age, { properties: { age } })
    await rig.clock.advance(1000)
    t.equal(pulls(), 0)
  }
  await send(producer, 'people', 'wanted', { properties: { age: '19' } })
  const answer = await peer.next()
  t.match(answer, { opaque: held, code: 0 })
  t.same(bodiesIn(answer!), ['wanted'])
  t.equal(answer?.fields.get('nextBeginOffset'), '4')
})

t.test('a pull that may wait does not look for ever', async (t) => {
  const limits = { ...defaultRocketmqLimits, pullBytesMax: 1000, pullScanMsMax: 0 }
  const rig = await StoreRig.open(t, {}, { limits })
  await rig.addTopic('people')
  const peer = rig.broker.connect()
  for (let i = 0; i < 20; i++) await send(peer, 'people', 'x'.repeat(200))
  const place = { topic: 'people', waitMs: 15_000, subscription: 'age > 18', ...sql }
  let offset = 0
  let pulls = 0
  // The last ones would be waited behind.
  for (; offset < 16; pulls++) {
    const answer = await pull(peer, { ...place, offset })
    t.match(answer, { code: 20 })
    const next = Number(answer.fields.get('nextBeginOffset'))
    t.ok(next > offset, 'each goes on')
    offset = next
  }
  t.ok(pulls > 2, 'in more than one step')
})

t.test("a consumer's expression is checked before it starts", async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.broker.connect()
  const check = (subString: string, expressionType = 'SQL92', at = peer) => {
    const subscriptionData = { topic: 'people', subString, expressionType }
    const body = Buffer.from(JSON.stringify({ clientId: 'c', group: 'g', subscriptionData }))
    return at.ask(46, { body })
  }
  t.match(await check('age > 18'), { code: 0 })
  t.match(await check('TagA', 'TAG'), { code: 0 })
  t.match(await check('age > 18 AND\nAND age < 3'), {
    code: 23,
    remark: /^Encountered "AND" at line 2, column 1; expected/
  })
  t.match(await check('age > 18', 'XPATH'), { code: 1 })
  const off = await StoreRig.open(t, {}, { filters: new MessageFilters({ sql: false }) })
  t.match(await check('age > 18', 'SQL92', off.broker.connect()), {
    code: 1,
    remark: 'The broker does not support consumer to filter message by SQL92'
  })
  for (const [{ broker }, said] of [
    [rig, 'enablePropertyFilter=true'],
    [off, 'enablePropertyFilter=false']
  ] as const) {
    t.match(
      (await broker.connect().ask(getBrokerConfig)).body.toString(),
      said,
      'tools are told so'
    )
  }
})
