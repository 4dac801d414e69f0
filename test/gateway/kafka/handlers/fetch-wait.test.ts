import t from 'tap'
import { fetchRequest, fetchResponse } from '../../../../gateway/kafka/schemas/fetch.ts'
import { settled } from '../../../support/fake-clock.ts'
import { kafkaRig } from '../rig.ts'
import { ask, batchesIn, bodyFor, filled, partition } from './fetch-asker.ts'

t.test('a fetch at the end waits for data, and is answered when it is there', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await filled(rig, 'orders', 2, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0, 1), partition(1, 1)] }]
  const id = client.send(fetchRequest, 11, bodyFor(topics, { maxWaitMs: 5000 }))
  await settled(50)
  t.equal(rig.handled.length, 0)
  await rig.append(topic, 1, 'new')
  const answer = await client.receive(fetchResponse, 11, id)
  const [first, second] = answer.responses[0]?.partitions ?? []
  t.match(first, { errorCode: 0, highWatermark: 1 })
  t.match(second, { errorCode: 0, highWatermark: 2 })
  t.strictSame(
    batchesIn(second?.records ?? null).map(([offset]) => offset),
    [1]
  )
})

t.test('a wait ends with the time it was given, with what there is', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0, 0)] }]
  const id = client.send(fetchRequest, 11, bodyFor(topics, { maxWaitMs: 500, minBytes: 100_000 }))
  await settled(50)
  await rig.append(topic, 0, 'more')
  await rig.clock.advance(499)
  t.equal(rig.handled.length, 0, 'minBytes are not there')
  await rig.clock.advance(1)
  const answer = await client.receive(fetchResponse, 11, id)
  const one = answer.responses[0]?.partitions[0]
  t.strictSame(
    batchesIn(one?.records ?? null).map(([offset]) => offset),
    [0, 1],
    'read before and after the wait, once each'
  )
})

t.test('what needs no wait does not wait', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  rig.changes.waitForData = async () => {
    throw new Error('waited')
  }
  const patient = { maxWaitMs: 60_000 }
  const wanted = { topic: 'orders', partitions: [partition(0, 1)] }
  t.match(await ask(client, [], patient), { errorCode: 0 })
  const unknown = { topic: 'nowhere', partitions: [partition(0)] }
  t.equal((await ask(client, [wanted, unknown], patient)).responses.length, 2)
  t.match(await ask(client, [wanted], { ...patient, minBytes: 0 }), { errorCode: 0 })
  t.match(await ask(client, [wanted], { maxWaitMs: 0 }), { errorCode: 0 })
})

t.test('a deleted topic ends the wait with an error that consumers know', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  for (const version of [11, 13]) {
    const again = version === 11 ? topic : await filled(rig, 'orders', 1, 1)
    const named = version >= 13 ? { topicId: again.id } : { topic: 'orders' }
    const topics = [{ ...named, partitions: [partition(0, 1)] }]
    const id = client.send(fetchRequest, version, bodyFor(topics, { maxWaitMs: 60_000 }))
    await settled(50)
    await rig.services.topics.delete(again.id)
    const answer = await client.receive(fetchResponse, version, id)
    t.equal(answer.responses[0]?.partitions[0]?.errorCode, version >= 13 ? 100 : 3)
  }
})

t.test('a client that leaves takes its wait with it', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0, 1)] }]
  client.send(fetchRequest, 11, bodyFor(topics, { maxWaitMs: 60_000 }))
  await settled(50)
  t.equal(rig.store.stats().waiters, 1)
  client.socket.end()
  await settled(50)
  t.equal(rig.store.stats().waiters, 0)
  t.strictSame(rig.events, [])
  t.equal(rig.load.bytes, 0)
})

t.test('draining answers a fetch that waits at once', async (t) => {
  const rig = await kafkaRig(t)
  await filled(rig, 'orders', 1, 1)
  const client = rig.connect()
  const topics = [{ topic: 'orders', partitions: [partition(0, 1)] }]
  const id = client.send(fetchRequest, 11, bodyFor(topics, { maxWaitMs: 60_000 }))
  await settled(50)
  client.connection.drain()
  const answer = await client.receive(fetchResponse, 11, id)
  t.match(answer.responses[0]?.partitions[0], { errorCode: 0, highWatermark: 1 })
  t.equal(await client.nextFrame(), undefined)
})
