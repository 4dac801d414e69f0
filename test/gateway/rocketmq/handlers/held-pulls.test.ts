import t, { type Test } from 'tap'
import { settled } from '../../../support/fake-clock.ts'
import type { RocketmqPeer } from '../rig.ts'
import { bodiesIn, heartbeat, pullFields, StoreRig, send } from '../store-rig.ts'

/** A heartbeat on a connection of its own, where the group's news come too. */
async function subscribe(member: RocketmqPeer, tags: string, version: number): Promise<void> {
  const opaque = member.send(34, {
    body: heartbeat('c', 'g', { orders: tags }, { version })
  })
  for (let told = await member.next(); told?.opaque !== opaque; ) told = await member.next()
}

/** A pull held by its group's filter, which wants A, has passed over a B. */
async function heldByTags(t: Test, rig: StoreRig) {
  const member = rig.broker.connect()
  const peer = rig.broker.connect()
  await rig.addTopic('orders')
  await subscribe(member, 'A', 1)
  peer.send(11, { fields: pullFields({ topic: 'orders', offset: 0, waitMs: 15_000 }) })
  await send(rig.broker.connect(), 'orders', 'passed over', { properties: { TAGS: 'B' } })
  t.equal(rig.broker.handled.filter(({ request }) => request === 'PULL_MESSAGE').length, 0)
  return { peer, member }
}

t.test('a held pull follows its group to another filter, from where it asked', async (t) => {
  const rig = await StoreRig.open(t)
  const { peer, member } = await heldByTags(t, rig)
  await subscribe(member, 'B', 2)
  await send(rig.broker.connect(), 'orders', 'next', { properties: { TAGS: 'B' } })
  const answer = await peer.next()
  t.equal(answer?.code, 0)
  t.same(bodiesIn(answer!), ['passed over', 'next'])
})

t.test('a held pull whose group wants other things by its end looks again', async (t) => {
  const rig = await StoreRig.open(t)
  const { peer, member } = await heldByTags(t, rig)
  await subscribe(member, 'B', 2)
  await rig.clock.advance(15_000)
  const answer = await peer.next()
  t.equal(answer?.code, 0)
  t.same(bodiesIn(answer!), ['passed over'])
})

t.test('a held pull keeps to a filter that it brought', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const peer = rig.broker.connect()
  const member = rig.broker.connect()
  await subscribe(member, 'B', 1)
  const fields = pullFields({ topic: 'orders', offset: 0, subscription: 'A', waitMs: 15_000 })
  peer.send(11, { fields })
  await send(rig.broker.connect(), 'orders', 'other', { properties: { TAGS: 'B' } })
  await subscribe(member, '*', 2)
  await rig.clock.advance(15_000)
  t.match(await peer.next(), { code: 20, remark: 'NO_MATCHED_MESSAGE' })
})

t.test('a held pull whose group is gone is told so', async (t) => {
  const rig = await StoreRig.open(t)
  const { peer, member } = await heldByTags(t, rig)
  member.send(35, { fields: { clientID: 'c', consumerGroup: 'g' } })
  await settled()
  await rig.clock.advance(15_000)
  t.match(await peer.next(), { code: 24 })
})
