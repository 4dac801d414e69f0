import t from 'tap'
import {
  deleteRecordsRequest,
  deleteRecordsResponse
} from '../../../../gateway/kafka/schemas/delete-records.ts'
import {
  describeLogDirsRequest,
  describeLogDirsResponse
} from '../../../../gateway/kafka/schemas/describe-log-dirs.ts'
import {
  listOffsetsRequest,
  listOffsetsResponse
} from '../../../../gateway/kafka/schemas/list-offsets.ts'
import { StoreError } from '../../../../storage/index.ts'
import { type KafkaClient, kafkaRig } from '../rig.ts'

async function deleteOne(
  client: KafkaClient,
  name: string,
  offset: number,
  { partitionIndex = 0, version = 2 } = {}
) {
  const topics = [{ name, partitions: [{ partitionIndex, offset }] }]
  const body = { topics, timeoutMs: 1000 }
  const answer = await client.ask(deleteRecordsRequest, deleteRecordsResponse, version, body)
  return answer.topics[0]?.partitions[0]
}

const sizesOf = async (client: KafkaClient, version = 4, topics: string[] | null = null) => {
  const asked = topics?.map((topic) => ({ topic, partitions: [0, 1, 1, 9] })) ?? null
  const answer = await client.ask(describeLogDirsRequest, describeLogDirsResponse, version, {
    topics: asked
  })
  return answer
}

t.test('DeleteRecords moves the log start in every version', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders', 2)
  for (let i = 0; i < 5; i++) await rig.append(topic, 1, `${i}`)
  const client = rig.connect()
  const partitionIndex = 1
  for (const version of [0, 1, 2]) {
    const answer = await deleteOne(client, 'orders', version + 1, { version, partitionIndex })
    t.same(answer, { partitionIndex, lowWatermark: version + 1, errorCode: 0 })
  }
  const back = await deleteOne(client, 'orders', 0, { partitionIndex })
  t.match(back, { lowWatermark: 3, errorCode: 0 }, 'never back')
  const asked = { partitionIndex, timestamp: -2, currentLeaderEpoch: -1 }
  const { topics } = await client.ask(listOffsetsRequest, listOffsetsResponse, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: 'orders', partitions: [asked] }]
  })
  t.match(topics[0]?.partitions[0], { offset: 3 })
  t.match(await deleteOne(client, 'orders', -1, { partitionIndex }), { lowWatermark: 5 })
  t.match(await deleteOne(client, 'orders', 0), { lowWatermark: 0, errorCode: 0 })
})

t.test('DeleteRecords refuses what Kafka refuses', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders', 1)
  await rig.append(topic, 0, 'a')
  const compacted = await rig.createTopic('compacted', 1, { 'cleanup.policy': 'compact' })
  await rig.append(compacted, 0, 'a')
  await rig.createTopic('both', 1, { 'cleanup.policy': 'compact,delete' })
  const client = rig.connect()
  const refused = { lowWatermark: -1 }
  t.match(await deleteOne(client, 'orders', 2), { ...refused, errorCode: 1 })
  t.match(await deleteOne(client, 'orders', -2), { ...refused, errorCode: 1 })
  t.match(await deleteOne(client, 'nowhere', 0), { ...refused, errorCode: 3 })
  const elsewhere = { partitionIndex: 1 }
  t.match(await deleteOne(client, 'orders', 0, elsewhere), { ...refused, errorCode: 3 })
  t.match(await deleteOne(client, 'compacted', 1), { ...refused, errorCode: 44 })
  t.match(await deleteOne(client, 'both', 0), { errorCode: 0 })
  rig.changes.commit = () => Promise.reject(new StoreError('io-failed', 'gone'))
  t.match(await deleteOne(client, 'orders', 1), { ...refused, errorCode: 56 })
})

t.test('DescribeLogDirs tells the folder, the disk and what each partition has', async (t) => {
  const rig = await kafkaRig(t)
  const topic = await rig.createTopic('orders', 2)
  await rig.createTopic('empty', 1)
  await rig.services.topics.create({
    names: { kafka: 'hidden', rocketmq: 'hidden' },
    queueCount: 1,
    system: true
  })
  const client = rig.connect()
  await rig.append(topic, 1, 'x'.repeat(1000))
  const one = (await sizesOf(client)).results[0]?.topics.find(({ name }) => name === 'orders')
  const oneBytes = one?.partitions[1]?.partitionSize ?? 0
  t.ok(oneBytes > 1000 && oneBytes < 1200, `${oneBytes} bytes`)
  await rig.append(topic, 1, 'x'.repeat(1000))
  await rig.append(topic, 1, 'x'.repeat(1000))
  await deleteOne(client, 'orders', 1, { partitionIndex: 1 })
  const row = (partitionIndex: number, partitionSize: number) => {
    return { partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false }
  }
  for (const version of [1, 2, 3, 4]) {
    const all = await sizesOf(client, version)
    t.equal(all.errorCode, 0)
    t.equal(all.results.length, 1)
    const { logDir, errorCode, topics, totalBytes, usableBytes } = all.results[0]!
    t.match({ logDir, errorCode }, { logDir: '/data', errorCode: 0 })
    t.same(topics, [
      { name: 'empty', partitions: [row(0, 0)] },
      { name: 'orders', partitions: [row(0, 0), row(1, 2 * oneBytes)] }
    ])
    if (version < 4) t.match({ totalBytes, usableBytes }, { totalBytes: -1, usableBytes: -1 })
    else t.ok(totalBytes >= usableBytes && usableBytes > 0, `${usableBytes} of ${totalBytes}`)
  }
  const some = await sizesOf(client, 4, ['orders', 'hidden', 'nowhere'])
  t.same(some.results[0]?.topics, [
    { name: 'orders', partitions: [row(0, 0), row(1, 2 * oneBytes)] }
  ])
  t.same((await sizesOf(client, 4, [])).results[0]?.topics, [])
})
