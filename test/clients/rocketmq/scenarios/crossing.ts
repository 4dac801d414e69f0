/** What a RocketMQ client and a Kafka client see of the same topics and groups. */
import type { Test } from 'tap'
import { kafkaConsume, untilCommitted } from '../kafka-consume.ts'
import { bodies, numbered, type OwnStage, type Scenario } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: "Kafka's records reach RocketMQ's consumers", own: true, run: kafkaToRocketmq },
  {
    name: "RocketMQ's messages reach Kafka's consumers, compressed ones too",
    own: true,
    run: rocketmqToKafka
  },
  {
    name: 'a group goes on with Kafka where it was with RocketMQ, and back',
    own: true,
    run: movesGroup
  },
  { name: 'a group has members of one protocol at a time', own: true, run: excludes }
]

async function kafkaToRocketmq(t: Test, { another, kafka }: OwnStage): Promise<void> {
  const admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic: 'from.kafka', numPartitions: 3 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const timestamp = `${Date.now() - 5000}`
  const headers = { TAGS: 'T', trace: 'x' }
  const [sent] = await producer.send({
    topic: 'from.kafka',
    compression: 1,
    messages: [
      { partition: 1, key: 'the key', value: 'the body', headers, timestamp },
      { partition: 1, key: null, value: 'second', headers: { TAGS: 'U' } }
    ]
  })
  await producer.disconnect()
  const driver = another()
  await driver.consume({ group: 'from-kafka', topic: 'from|2Ekafka', subscription: 'T' })
  await driver.until('it was given', () => driver.given.length >= 1)
  const [given] = driver.given
  t.match(given, { topic: 'from|2Ekafka', queue: 1, offset: Number(sent?.baseOffset) })
  t.equal(given?.body.toString(), 'the body')
  t.equal(given?.bornMs, Number(timestamp))
  t.match(given?.properties, { KEYS: 'the key', TAGS: 'T', trace: 'x' })
}

async function rocketmqToKafka(t: Test, { another, kafka }: OwnStage): Promise<void> {
  const driver = another()
  const large = Buffer.alloc(50_000, 'compressible ')
  const sent = await driver.send('to-kafka', [
    { body: Buffer.from('small'), tag: 'A', keys: 'the key', queue: 1 },
    { body: large, tag: 'B', queue: 1 }
  ])
  const { all, consumer } = await kafkaConsume(
    kafka,
    'to-kafka',
    'to-kafka',
    (all) => all.length >= 2
  )
  await consumer.disconnect()
  t.same(
    all.map(({ partition, offset }) => [partition, Number(offset)]),
    sent.map(({ queue, offset }) => [queue, offset])
  )
  t.match(all[0], { key: 'the key', headers: { TAGS: 'A', UNIQ_KEY: sent[0]?.uniqueKey } })
  t.equal(all[0]?.value.toString(), 'small')
  t.ok(all[1]?.value.equals(large), 'the compressed body is read as it was sent')
}

async function movesGroup(t: Test, { another, kafka }: OwnStage): Promise<void> {
  const driver = another()
  await driver.send('moved', numbered(8, 'one-'))
  await driver.consume({ group: 'moved-group', topic: 'moved' })
  await driver.until('the first eight were given', () => driver.given.length >= 8)
  await driver.stop()
  await untilCommitted(kafka, 'moved-group', 'moved', 8)
  await driver.send('moved', numbered(6, 'two-'))
  const { all, consumer } = await kafkaConsume(
    kafka,
    'moved-group',
    'moved',
    (all) => all.length >= 6
  )
  // Leaving commits what was resolved.
  await consumer.disconnect()
  t.same(all.map(({ value }) => value.toString()).sort(), bodies(numbered(6, 'two-')))
  const back = another()
  await back.send('moved', numbered(4, 'three-'))
  await back.consume({ group: 'moved-group', topic: 'moved' })
  await back.until('the last four were given', () => back.given.length >= 4)
  t.same(bodies(back.given), bodies(numbered(4, 'three-')))
}

async function excludes(t: Test, { another, kafka, server }: OwnStage): Promise<void> {
  const driver = another()
  await driver.send('exclusive', numbered(4))
  await driver.consume({ group: 'exclusive-group', topic: 'exclusive' })
  await driver.until('all were given', () => driver.given.length >= 4)
  await t.rejects(
    kafkaConsume(kafka, 'exclusive-group', 'exclusive', (all) => all.length > 0),
    { name: /KafkaJS/ },
    'a Kafka member is refused'
  )
  await driver.stop()
  await untilCommitted(kafka, 'exclusive-group', 'exclusive', 4)
  await driver.send('exclusive', numbered(2, 'kafka'))
  const { all, consumer } = await kafkaConsume(
    ...([kafka, 'exclusive-group', 'exclusive'] as const),
    (all) => all.length >= 2
  )
  t.same(all.map(({ value }) => value.toString()).sort(), ['kafka0', 'kafka1'])
  const late = another()
  await late.consume({ group: 'exclusive-group', topic: 'exclusive' })
  await late.send('exclusive', numbered(2, 'still'))
  for (let round = 0; round < 450 && all.length < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.equal(all.length, 4)
  t.same(late.given, [], 'a RocketMQ member gets nothing')
  t.match(server.log, 'group-of-other-protocol')
  await consumer.disconnect()
}
