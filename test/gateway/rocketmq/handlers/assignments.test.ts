import t from 'tap'
import { queuesOfMember } from '../../../../gateway/rocketmq/divide-queues.ts'
import type { RocketmqPeer } from '../rig.ts'
import { beat, StoreRig } from '../store-rig.ts'

const asksAssignment = 400
const setsMode = 401

t.test('queues are divided as RocketMQ\u2019s clients divide them', (t) => {
  const members = ['c', 'a', 'b']
  const all = (strategy: string, queues: number) =>
    ['a', 'b', 'c'].map((one) => queuesOfMember(strategy, queues, one, members))
  // Of AllocateMessageQueueAveragely and AllocateMessageQueueAveragelyByCircle.
  t.same(all('AVG', 8), [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7]
  ])
  t.same(all('AVG', 2), [[0], [1], []])
  t.same(all('AVG_BY_CIRCLE', 8), [
    [0, 3, 6],
    [1, 4, 7],
    [2, 5]
  ])
  t.same(queuesOfMember('AVG', 8, 'stranger', members), [])
  t.equal(queuesOfMember('MACHINE_ROOM', 8, 'a', members), undefined)
  t.end()
})

interface Question {
  readonly topic?: string
  readonly clientId?: string
  readonly strategyName?: string
  readonly messageModel?: string
}

async function assigned(peer: RocketmqPeer, question: Question = {}) {
  const asked = { topic: 'orders', consumerGroup: 'g', clientId: 'c1', strategyName: 'AVG' }
  const body = Buffer.from(JSON.stringify({ ...asked, ...question }))
  const answer = await peer.ask(asksAssignment, { body })
  t.equal(answer.code, 0)
  return JSON.parse(answer.body.toString()).messageQueueAssignments
}

t.test('members that leave the division to the broker are told of their queues', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 3)
  const peer = rig.broker.connect()
  t.equal(await assigned(peer), undefined, 'no members: keep what you have')
  await beat(peer, 'c1', 'g', { orders: '*' }).catch(() => {})
  await peer.next()
  const queue = (queueId: number) => ({
    messageQueue: { topic: 'orders', brokerName: 'broker-a', queueId },
    mode: 'PULL'
  })
  t.same(await assigned(peer), [queue(0), queue(1), queue(2)])
  t.same(await assigned(peer, { clientId: 'other' }), [], 'no member: nothing')
  const everybody = { clientId: 'other', messageModel: 'BROADCASTING' }
  t.equal((await assigned(peer, everybody)).length, 3)
  t.equal(await assigned(peer, { topic: 'nowhere' }), undefined)
  t.equal(await assigned(peer, { strategyName: 'MINE' }), undefined)
})

t.test('the mode is PULL, and cannot be made another', async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.broker.connect()
  const set = (topic: string, mode: string) =>
    peer.ask(setsMode, { body: Buffer.from(JSON.stringify({ topic, consumerGroup: 'g', mode })) })
  t.match(await set('orders', 'PULL'), { code: 0 })
  t.match(await set('orders', 'POP'), { code: 3, remark: 'mode POP: there is PULL only' })
  t.match(await set('%RETRY%g', 'PULL'), { code: 16 })
})
