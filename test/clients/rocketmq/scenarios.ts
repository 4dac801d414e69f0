/** What RocketMQ's own Java client sees of a server, alone and next to a Kafka client. */
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import type { Test } from 'tap'
import type { OwnServer } from '../server.ts'
import { type GivenMessage, type RocketmqClient, RocketmqDriver } from './driver.ts'

const timeoutMs = 10 * 60_000

interface Stage {
  readonly server: OwnServer
  readonly another: () => RocketmqDriver
  readonly kafka: Kafka
}

const scenarios: Readonly<Record<string, (t: Test, stage: Stage) => Promise<void>>> = {
  'a new topic is made by its first send, and a consumer gets all of it': sendAndConsume,
  'asynchronous, one-way, batched and compressed sends all arrive': everyKindOfSend,
  'a consumer by tags gets those and no others': byTags,
  'members share the queues, and what one leaves another takes over': sharedQueues,
  'an orderly consumer gets each queue in order': orderly,
  'a group keeps its place over a restart of the server': keepsItsPlace,
  "Kafka's records reach RocketMQ's consumers": kafkaToRocketmq,
  "RocketMQ's messages reach Kafka's consumers, compressed ones too": rocketmqToKafka,
  'a group goes on with Kafka where it was with RocketMQ, and back': movesGroup,
  'a group has members of one protocol at a time': excludes
}

export async function playRocketmq(
  t: Test,
  client: RocketmqClient,
  server: OwnServer
): Promise<void> {
  t.setTimeout(timeoutMs)
  const only = process.env.SCENARIO
  for (const [name, play] of Object.entries(scenarios)) {
    if (only && !name.includes(only)) continue
    await t.test(name, async (t) => {
      const drivers: RocketmqDriver[] = []
      t.teardown(() => Promise.all(drivers.map((driver) => driver.end())))
      const another = () => {
        const driver = new RocketmqDriver(client, server.addresses.namesrv ?? '')
        drivers.push(driver)
        return driver
      }
      const kafka = new Kafka({ brokers: [server.bootstrap], logLevel: logLevel.NOTHING })
      await play(t, { server, another, kafka })
    })
  }
}

function numbered(count: number, prefix = 'm'): { body: Buffer }[] {
  return Array.from({ length: count }, (_, i) => ({ body: Buffer.from(`${prefix}${i}`) }))
}

function bodies(given: readonly Pick<GivenMessage, 'body'>[]): string[] {
  return given.map(({ body }) => body.toString()).sort()
}

async function sendAndConsume(t: Test, { another }: Stage): Promise<void> {
  const driver = another()
  const before = Date.now()
  const sent = await driver.send('new-topic', [
    { body: Buffer.from('one'), tag: 'A', keys: 'k1 k2', properties: { colour: 'röt' } },
    { body: Buffer.from('two'), queue: 2 },
    { body: Buffer.from('three'), queue: 2 }
  ])
  t.same(
    sent.map(({ status }) => status),
    ['SEND_OK', 'SEND_OK', 'SEND_OK']
  )
  t.same(
    sent.slice(1).map(({ queue, offset }) => [queue, offset]),
    [
      [2, 0],
      [2, 1]
    ].map(([queue, offset]) => [queue, (offset ?? 0) + (sent[0]?.queue === 2 ? 1 : 0)])
  )
  await driver.consume('new-topic-group', 'new-topic')
  await driver.until('three were given', () => driver.given.length >= 3)
  t.same(bodies(driver.given), ['one', 'three', 'two'])
  const one = driver.given.find(({ body }) => body.toString() === 'one')
  t.match(one, { topic: 'new-topic', queue: sent[0]?.queue, uniqueKey: sent[0]?.uniqueKey })
  t.match(one?.properties, { TAGS: 'A', KEYS: 'k1 k2', colour: 'röt', CLUSTER: 'DefaultCluster' })
  t.ok((one?.bornMs ?? 0) >= before - 1000 && (one?.bornMs ?? 0) <= Date.now() + 1000)
  await driver.send('new-topic', [{ body: Buffer.from('late') }])
  await driver.until('a held pull was answered', () => driver.given.length >= 4, 5000)
}

async function everyKindOfSend(t: Test, { another }: Stage): Promise<void> {
  const driver = another()
  const large = { body: Buffer.alloc(100_000, 'compressible ') }
  const batch = await driver.send('kinds', numbered(5, 'batch'), 'batch')
  t.equal(batch[0]?.status, 'SEND_OK')
  t.equal(batch[0]?.offsetId.split(',').length, 5)
  const sent = await driver.send('kinds', numbered(50, 'async'), 'async')
  t.equal(new Set(sent.map(({ queue, offset }) => `${queue}/${offset}`)).size, 50)
  await driver.send('kinds', numbered(3, 'oneway'), 'oneway')
  await driver.send('kinds', [large])
  await driver.consume('kinds-group', 'kinds')
  await driver.until('all were given', () => driver.given.length >= 59)
  const wanted = [...numbered(5, 'batch'), ...numbered(50, 'async'), ...numbered(3, 'oneway')]
  t.same(bodies(driver.given), bodies([...wanted, large]))
}

async function byTags(t: Test, { another }: Stage): Promise<void> {
  const driver = another()
  const tags = ['A', 'B', 'C', 'D'] as const
  const messages = numbered(40).map((one, i) => ({ ...one, tag: tags[i % 4] ?? 'A' }))
  await driver.send('tagged', messages)
  await driver.send('tagged', [{ body: Buffer.from('none') }])
  await driver.consume('tagged-group', 'tagged', 'A || C')
  const wanted = messages.filter(({ tag }) => tag === 'A' || tag === 'C')
  await driver.until('all of those were given', () => driver.given.length >= wanted.length)
  await driver.send('tagged', [{ body: Buffer.from('last'), tag: 'C' }])
  await driver.until('the last was given', () => driver.given.length > wanted.length)
  t.same(bodies(driver.given), bodies([...wanted, { body: Buffer.from('last') }]))
}

async function sharedQueues(t: Test, { another }: Stage): Promise<void> {
  const [one, two] = [another(), another()]
  await one.send('shared', numbered(4, 'first'))
  await one.consume('shared-group', 'shared')
  await one.until('the first was alone', () => one.given.length >= 4)
  await two.consume('shared-group', 'shared')
  const queues = (driver: RocketmqDriver, prefix: string) => {
    const given = driver.given.filter(({ body }) => body.toString().startsWith(prefix))
    return [...new Set(given.map(({ queue }) => queue))].sort()
  }
  // The members divide the queues as soon as they are told of each other; sends show when that is done.
  for (let round = 0; round < 100 && queues(two, 'probe').length < 2; round++) {
    await one.send(
      'shared',
      [0, 1, 2, 3].map((queue) => ({ body: Buffer.from('probe'), queue }))
    )
  }
  const mark = await one.send(
    'shared',
    [0, 1, 2, 3].map((queue) => ({ body: Buffer.from('both'), queue }))
  )
  t.equal(mark.length, 4)
  await two.until('two queues are its', () => queues(two, 'both').length === 2)
  await one.until('two queues are its', () => queues(one, 'both').length === 2)
  t.same([...queues(one, 'both'), ...queues(two, 'both')].sort(), [0, 1, 2, 3])
  await one.stop()
  await two.send(
    'shared',
    [0, 1, 2, 3].map((queue) => ({ body: Buffer.from('alone'), queue }))
  )
  await two.until('all are its', () => queues(two, 'alone').length === 4)
}

async function orderly(t: Test, { another }: Stage): Promise<void> {
  const driver = another()
  const messages = numbered(100).map((one, i) => ({ ...one, queue: i % 4 }))
  await driver.send('ordered', messages)
  await driver.consume('ordered-group', 'ordered', '*', true)
  await driver.until('all were given', () => driver.given.length >= 100)
  for (const queue of [0, 1, 2, 3]) {
    const given = driver.given.filter((one) => one.queue === queue)
    const wanted = messages.filter((one) => one.queue === queue)
    t.same(
      given.map(({ body }) => body.toString()),
      wanted.map(({ body }) => body.toString())
    )
  }
}

async function keepsItsPlace(t: Test, { another, server }: Stage): Promise<void> {
  const driver = another()
  await driver.send('kept', numbered(20))
  await driver.consume('kept-group', 'kept')
  await driver.until('all were given', () => driver.given.length >= 20)
  await driver.stop()
  await server.restart('SIGKILL')
  const after = another()
  await after.send('kept', numbered(5, 'later'))
  await after.consume('kept-group', 'kept')
  await after.until('the later ones were given', () => after.given.length >= 5)
  t.same(bodies(after.given), bodies(numbered(5, 'later')), 'and nothing a second time')
}

async function kafkaToRocketmq(t: Test, { another, kafka }: Stage): Promise<void> {
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
  await driver.consume('from-kafka', 'from|2Ekafka', 'T')
  await driver.until('it was given', () => driver.given.length >= 1)
  const [given] = driver.given
  t.match(given, { topic: 'from|2Ekafka', queue: 1, offset: Number(sent?.baseOffset) })
  t.equal(given?.body.toString(), 'the body')
  t.equal(given?.bornMs, Number(timestamp))
  t.match(given?.properties, { KEYS: 'the key', TAGS: 'T', trace: 'x' })
}

interface KafkaRecord {
  readonly partition: number
  readonly offset: string
  readonly key: string | undefined
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** A kafkajs consumer that collects what it is given, until `is` holds; it is left running. */
async function kafkaConsume(
  kafka: Kafka,
  groupId: string,
  topic: string,
  is: (all: readonly KafkaRecord[]) => boolean
): Promise<{ all: KafkaRecord[]; consumer: Consumer }> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200, retry: { retries: 0 } })
  const all: KafkaRecord[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${all.length} records only`)), 45_000)
    consumer.on('consumer.crash', ({ payload }) => {
      clearTimeout(timer)
      reject(payload.error)
    })
    const eachMessage = async ({ partition, message }: { partition: number; message: never }) => {
      const { offset, key, value, headers } = message as {
        offset: string
        key: Buffer | null
        value: Buffer
        headers: Record<string, Buffer>
      }
      const texts = Object.entries(headers).map(([name, text]) => [name, text.toString()])
      const record = { partition, offset, key: key?.toString(), value }
      all.push({ ...record, headers: Object.fromEntries(texts) })
      if (!is(all)) return
      clearTimeout(timer)
      resolve()
    }
    consumer.run({ autoCommitInterval: 100, eachMessage: eachMessage as never }).catch(reject)
  })
  return { all, consumer }
}

async function rocketmqToKafka(t: Test, { another, kafka }: Stage): Promise<void> {
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

async function movesGroup(t: Test, { another, kafka }: Stage): Promise<void> {
  const driver = another()
  await driver.send('moved', numbered(8, 'one-'))
  await driver.consume('moved-group', 'moved')
  await driver.until('the first eight were given', () => driver.given.length >= 8)
  await driver.stop()
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
  await back.consume('moved-group', 'moved')
  await back.until('the last four were given', () => back.given.length >= 4)
  t.same(bodies(back.given), bodies(numbered(4, 'three-')))
}

async function excludes(t: Test, { another, kafka, server }: Stage): Promise<void> {
  const driver = another()
  await driver.send('exclusive', numbered(4))
  await driver.consume('exclusive-group', 'exclusive')
  await driver.until('all were given', () => driver.given.length >= 4)
  await t.rejects(
    kafkaConsume(kafka, 'exclusive-group', 'exclusive', (all) => all.length > 0),
    { name: /KafkaJS/ },
    'a Kafka member is refused'
  )
  await driver.stop()
  await driver.send('exclusive', numbered(2, 'kafka'))
  const { all, consumer } = await kafkaConsume(
    ...([kafka, 'exclusive-group', 'exclusive'] as const),
    (all) => all.length >= 2
  )
  t.same(all.map(({ value }) => value.toString()).sort(), ['kafka0', 'kafka1'])
  const late = another()
  await late.consume('exclusive-group', 'exclusive')
  await late.send('exclusive', numbered(2, 'still'))
  for (let round = 0; round < 450 && all.length < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.equal(all.length, 4)
  t.same(late.given, [], 'a RocketMQ member gets nothing')
  t.match(server.log, 'group-of-other-protocol')
  await consumer.disconnect()
}
