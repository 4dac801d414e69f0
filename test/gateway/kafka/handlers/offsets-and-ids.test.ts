import t from 'tap'
import {
  initProducerIdRequest,
  initProducerIdResponse
} from '../../../../gateway/kafka/schemas/init-producer-id.ts'
import {
  listOffsetsRequest,
  listOffsetsResponse
} from '../../../../gateway/kafka/schemas/list-offsets.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse
} from '../../../../gateway/kafka/schemas/offset-for-leader-epoch.ts'
import { StoreError } from '../../../../storage/index.ts'
import { type KafkaClient, type KafkaRig, kafkaRig } from '../rig.ts'

const start = 1_750_000_000_000

async function listOne(
  client: KafkaClient,
  name: string,
  asked: { partitionIndex?: number; timestamp: number; currentLeaderEpoch?: number },
  options: { version?: number; isolationLevel?: number } = {}
) {
  const { version = 7, isolationLevel = 0 } = options
  const partitions = [{ partitionIndex: 0, ...asked }]
  const body = { replicaId: -1, isolationLevel, topics: [{ name, partitions }] }
  const answer = await client.ask(listOffsetsRequest, listOffsetsResponse, version, body)
  const one = answer.topics[0]?.partitions[0]
  if (one === undefined) throw new Error('no partition in the answer')
  return one
}

async function timed(rig: KafkaRig) {
  const topic = await rig.createTopic('orders', 1)
  for (let i = 0; i < 3; i++) {
    await rig.append(topic, 0, `${i}`)
    await rig.clock.advance(1000)
  }
  return topic
}

t.test('ListOffsets finds ends and times in every version', async (t) => {
  const rig = await kafkaRig(t)
  await timed(rig)
  const client = rig.connect()
  for (let version = 1; version <= 11; version++) {
    const leaderEpoch = version >= 4 ? 0 : -1
    const at = (timestamp: number) => listOne(client, 'orders', { timestamp }, { version })
    t.match(await at(-1), { errorCode: 0, offset: 3, timestamp: -1, leaderEpoch })
    t.match(await at(-2), { errorCode: 0, offset: 0, timestamp: -1, leaderEpoch })
    t.match(await at(start + 1), { errorCode: 0, offset: 1, timestamp: start + 1000, leaderEpoch })
    t.match(await at(start + 2001), { errorCode: 0, offset: -1, timestamp: -1, leaderEpoch: -1 })
    t.match(await at(0), { errorCode: 0, offset: 0, timestamp: start })
    t.match(
      await at(-3),
      version >= 7 ? { errorCode: 0, offset: 2, timestamp: start + 2000 } : { errorCode: 35 }
    )
    t.match(await at(-4), version >= 8 ? { errorCode: 0, offset: 0 } : { errorCode: 35 })
    t.match(await at(-5), version >= 9 ? { errorCode: 0, offset: -1 } : { errorCode: 35 })
    t.match(await at(-6), version >= 11 ? { errorCode: 0, offset: -1 } : { errorCode: 35 })
    t.match(await at(-7), { errorCode: 35, offset: -1 })
  }
})

t.test('ListOffsets: LATEST of read_committed is the last stable offset', async (t) => {
  const rig = await kafkaRig(t)
  await timed(rig)
  rig.changes.ends = async (queue) => ({ ...(await rig.store.ends(queue)), lastStableOffset: 1 })
  const client = rig.connect()
  t.match(await listOne(client, 'orders', { timestamp: -1 }, { isolationLevel: 1 }), { offset: 1 })
  t.match(await listOne(client, 'orders', { timestamp: -1 }), { offset: 3 })
  const late = { timestamp: start + 1 }
  t.match(await listOne(client, 'orders', late, { isolationLevel: 1 }), { offset: -1 })
})

t.test('ListOffsets checks partitions, repetitions and epochs', async (t) => {
  const rig = await kafkaRig(t)
  await timed(rig)
  rig.changes.ends = async (queue) => ({ ...(await rig.store.ends(queue)), leaderEpoch: 5 })
  const client = rig.connect()
  t.match(await listOne(client, 'nowhere', { timestamp: -1 }), { errorCode: 3, offset: -1 })
  t.match(await listOne(client, 'orders', { partitionIndex: 1, timestamp: -1 }), { errorCode: 3 })
  for (const [currentLeaderEpoch, errorCode] of [
    [4, 74],
    [5, 0],
    [6, 75]
  ] as const) {
    t.match(await listOne(client, 'orders', { timestamp: -1, currentLeaderEpoch }), { errorCode })
  }
  t.match(await listOne(client, 'orders', { timestamp: -1 }), { leaderEpoch: 5 })
  t.match(await listOne(client, 'orders', { timestamp: -2 }), { leaderEpoch: -1 })
  const asked = { partitionIndex: 0, timestamp: -1 }
  const topics = [
    { name: 'orders', partitions: [asked, asked] },
    { name: 'orders', partitions: [asked] }
  ]
  const body = { replicaId: -1, topics }
  const answer = await client.ask(listOffsetsRequest, listOffsetsResponse, 7, body)
  t.strictSame(
    answer.topics.map(({ partitions }) => partitions.map((p) => p.errorCode)),
    [[0, 42], [42]]
  )
  rig.changes.ends = async () => {
    throw new StoreError('queue-gone', 'gone')
  }
  t.match(await listOne(client, 'orders', { timestamp: -1 }), { errorCode: 3 })
})

t.test('OffsetForLeaderEpoch tells where an epoch ended', async (t) => {
  const rig = await kafkaRig(t)
  await timed(rig)
  const client = rig.connect()
  const askFor = async (version: number, partition: number, leaderEpoch: number, current = -1) => {
    const partitions = [{ partition, leaderEpoch, currentLeaderEpoch: current }]
    const body = { topics: [{ topic: 'orders', partitions }] }
    const answer = await client.ask(
      offsetForLeaderEpochRequest,
      offsetForLeaderEpochResponse,
      version,
      body
    )
    t.equal(answer.topics[0]?.topic, 'orders')
    return answer.topics[0]?.partitions[0]
  }
  for (const version of [2, 3, 4]) {
    const current = { errorCode: 0, partition: 0, leaderEpoch: 0, endOffset: 3 }
    t.match(await askFor(version, 0, 0), current)
    t.match(await askFor(version, 0, 0, 0), current)
    t.match(await askFor(version, 0, 1), { errorCode: 0, leaderEpoch: -1, endOffset: -1 })
    t.match(await askFor(version, 0, 0, 3), { errorCode: 75, leaderEpoch: -1, endOffset: -1 })
    t.match(await askFor(version, 1, 0), { errorCode: 3, partition: 1, endOffset: -1 })
  }
  rig.changes.ends = async (queue) => ({ ...(await rig.store.ends(queue)), leaderEpoch: 2 })
  rig.changes.epochEnd = async (_queue, epoch) => ({ epoch: Math.min(epoch, 1), endOffset: 2 })
  t.match(await askFor(4, 0, 1, 2), { errorCode: 0, leaderEpoch: 1, endOffset: 2 })
  t.match(await askFor(4, 0, 1, 1), { errorCode: 74 })
})

t.test('InitProducerId never gives an id twice, whatever it is asked with', async (t) => {
  const rig = await kafkaRig(t)
  const client = rig.connect()
  const seen = new Set<number>()
  for (let version = 0; version <= 5; version++) {
    const given = version >= 3 ? { producerId: 0, producerEpoch: 0 } : {}
    const body = { transactionalId: null, transactionTimeoutMs: 60_000, ...given }
    const answer = await client.ask(initProducerIdRequest, initProducerIdResponse, version, body)
    t.match(answer, { errorCode: 0, producerEpoch: 0 })
    t.notOk(seen.has(answer.producerId))
    seen.add(answer.producerId)
  }
})

t.test(
  'producer ids come in blocks: one commit for a thousand, and a restart wastes the rest',
  async (t) => {
    const rig = await kafkaRig(t)
    let commits = 0
    rig.changes.commit = (commit) => {
      commits++
      return rig.store.commit(commit)
    }
    const { producerIds } = rig.services
    const many = await Promise.all(Array.from({ length: 2500 }, () => producerIds.next()))
    t.equal(new Set(many).size, 2500)
    t.equal(commits, 3)
    const { ProducerIdBlocks } = await import('../../../../gateway/kafka/producer-ids.ts')
    const restarted = await new ProducerIdBlocks(rig.services.engine).next()
    t.ok(restarted > Math.max(...many))
  }
)

t.test(
  'InitProducerId: transactions are refused, a store that cannot is asked again',
  async (t) => {
    const rig = await kafkaRig(t)
    const client = rig.connect()
    const ask = (transactionalId: string | null) =>
      client.ask(initProducerIdRequest, initProducerIdResponse, 4, {
        transactionalId,
        transactionTimeoutMs: 60_000
      })
    t.match(await ask('tx'), { errorCode: 53, producerId: -1, producerEpoch: -1 })
    t.match(await ask(''), { errorCode: 42, producerId: -1 })
    rig.changes.commit = async () => {
      throw new StoreError('disk-full', 'no room')
    }
    t.match(await ask(null), { errorCode: 14, producerId: -1, producerEpoch: -1 })
    delete rig.changes.commit
    t.match(await ask(null), { errorCode: 0, producerEpoch: 0 })
  }
)
