// Pulls that go on where one ended are answered from what that one read, as long as it is right.
import t, { type Test } from 'tap'
import type { ReadRequest } from '../../../../storage/contract.ts'
import { bodiesIn, pull, StoreRig, send } from '../store-rig.ts'

const texts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `message ${from + i}`)

/** A topic whose only queue has ten messages, and a count of what is read of the store. */
async function tenMessages(t: Test) {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders', 1)
  const peer = rig.broker.connect()
  for (const text of texts(0, 10)) await send(peer, 'orders', text, { properties: { TAGS: 'A' } })
  let reads = 0
  const read = rig.store.read.bind(rig.store)
  rig.store.read = (request: ReadRequest) => {
    reads++
    return read(request)
  }
  const next = async (offset: number, countMax: number, subscription = '*') => {
    const answer = await pull(peer, { topic: 'orders', offset, countMax, subscription })
    const nextOffset = Number(answer.fields.get('nextBeginOffset'))
    return { code: answer.code, bodies: answer.code === 0 ? bodiesIn(answer) : [], nextOffset }
  }
  return { rig, peer, next, reads: () => reads }
}

t.test('the next pulls take what the first one read', async (t) => {
  const { next, reads } = await tenMessages(t)
  t.same(await next(0, 3), { code: 0, bodies: texts(0, 3), nextOffset: 3 })
  t.same(await next(3, 3), { code: 0, bodies: texts(3, 6), nextOffset: 6 })
  t.same(await next(6, 30), { code: 0, bodies: texts(6, 10), nextOffset: 10 })
  t.equal(reads(), 1)
})

t.test('another place, or the same one again, is read', async (t) => {
  const { next, reads } = await tenMessages(t)
  await next(0, 3)
  t.same((await next(5, 2)).bodies, texts(5, 7))
  t.same((await next(3, 2)).bodies, texts(3, 5))
  t.equal(reads(), 2)
  t.same((await next(3, 2)).bodies, texts(3, 5), 'it was given away once')
  t.equal(reads(), 3)
})

t.test('what came later is there too, and another filter is another filter', async (t) => {
  const { peer, next, reads } = await tenMessages(t)
  await next(0, 3)
  await send(peer, 'orders', 'message 10', { properties: { TAGS: 'B' } })
  t.same(await next(3, 30, 'B'), { code: 20, bodies: [], nextOffset: 10 })
  t.equal(reads(), 1, 'the rest of the first read has none')
  t.same(await next(10, 30, 'B'), { code: 0, bodies: ['message 10'], nextOffset: 11 })
})

t.test('records that went meanwhile are not given', async (t) => {
  const { rig, next } = await tenMessages(t)
  await next(0, 3)
  const topic = await rig.store.findTopic({ rocketmqName: 'orders' })
  const queue = topic?.queues[0] ?? 0
  await rig.store.commit({ changes: [{ op: 'move-log-start', queue, offset: 8 }] })
  t.same(await next(3, 3), { code: 21, bodies: [], nextOffset: 8 })
  t.same((await next(8, 3)).bodies, texts(8, 10))
})

t.test('of a deleted topic nothing is given, nor of the one that comes after it', async (t) => {
  const { rig, peer, next } = await tenMessages(t)
  await next(0, 3)
  const topic = await rig.store.findTopic({ rocketmqName: 'orders' })
  await rig.store.commit({ changes: [{ op: 'delete-topic', id: topic?.id ?? '' }] })
  t.not((await next(3, 3)).code, 0)
  await rig.addTopic('orders', 1)
  for (const text of ['a', 'b', 'c', 'd']) await send(peer, 'orders', text)
  t.same((await next(3, 3)).bodies, ['d'])
})
