import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Consumer, Admin as PlatformaticAdmin, Producer } from '@platformatic/kafka'
import kafkajs, { type Admin, type Kafka } from 'kafkajs'

/* What each client is made to do so that it sends every kind of request it knows. */

const waitMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export async function useKafkaJs(broker: string): Promise<void> {
  const kafka = new kafkajs.Kafka({
    clientId: 'kafkajs',
    brokers: [broker],
    logLevel: kafkajs.logLevel.NOTHING
  })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [
      { topic: 'orders', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '9' }] }
    ]
  })
  await admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 3 }] })
  await waitMs(500)
  await produceWithKafkaJs(kafka)
  await consumeWithKafkaJs(kafka)
  await administerWithKafkaJs(admin)
  await admin.disconnect()
}

async function produceWithKafkaJs(kafka: Kafka): Promise<void> {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.send({
    topic: 'orders',
    messages: [
      { partition: 0, key: 'a', value: 'first', headers: { source: 'here' } },
      { partition: 1, key: 'b', value: null }
    ]
  })
  const messages = Array.from({ length: 5 }, (_, i) => ({ partition: 0, value: `record ${i}` }))
  await producer.send({ topic: 'orders', compression: kafkajs.CompressionTypes.GZIP, messages })
  await producer.disconnect()
}

async function consumeWithKafkaJs(kafka: Kafka): Promise<void> {
  const consumer = kafka.consumer({ groupId: 'kafkajs-group', sessionTimeout: 10000 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const seen = new Promise<void>((resolve) => {
    let count = 0
    void consumer.run({
      eachMessage: async ({ heartbeat }) => {
        await heartbeat()
        if (++count === 7) resolve()
      }
    })
  })
  await seen
  await waitMs(3500)
  await consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: '6', metadata: 'mine' }])
  await consumer.disconnect()
}

async function administerWithKafkaJs(admin: Admin): Promise<void> {
  await admin.fetchTopicMetadata({ topics: ['orders'] })
  await admin.describeCluster()
  await admin.fetchTopicOffsets('orders')
  await admin.fetchTopicOffsetsByTimestamp('orders', 1)
  await admin.fetchOffsets({ groupId: 'kafkajs-group', topics: ['orders'] })
  await admin.listGroups()
  await admin.describeGroups(['kafkajs-group'])
  await admin.setOffsets({
    groupId: 'kafkajs-group',
    topic: 'orders',
    partitions: [{ partition: 0, offset: '1' }]
  })
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: 'orders' }
  await admin.describeConfigs({
    includeSynonyms: true,
    resources: [{ ...resource, configNames: ['retention.ms', 'cleanup.policy'] }]
  })
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '100000' }] }]
  })
  await admin.listPartitionReassignments({ topics: [{ topic: 'orders', partitions: [0] }] })
  await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset: '2' }] })
  await admin.deleteGroups(['kafkajs-group'])
  await admin.deleteTopics({ topics: ['orders'] })
}

export async function usePlatformatic(broker: string): Promise<void> {
  const base = { clientId: 'platformatic', bootstrapBrokers: [broker] }
  const admin = new PlatformaticAdmin(base)
  await admin.createTopics({ topics: ['trips'], partitions: 1, replicas: 1 })
  await waitMs(500)
  const producer = new Producer({ ...base, autocreateTopics: true })
  const text = (value: string): Buffer => Buffer.from(value)
  await producer.send({
    messages: [{ topic: 'trips', key: text('k'), value: text('v'), headers: new Map() }],
    acks: -1
  })
  await producer.close()
  const consumer = new Consumer({ ...base, groupId: 'platformatic-group', autocommit: false })
  const stream = await consumer.consume({ topics: ['trips'], mode: 'earliest' as never })
  for await (const message of stream) {
    await message.commit()
    break
  }
  await waitMs(3500)
  await stream.close()
  await consumer.close(true)
  await admin.listTopics({})
  await admin.listGroups({})
  await admin.describeGroups({ groups: ['platformatic-group'] })
  await admin.deleteGroups({ groups: ['platformatic-group'] })
  await admin.deleteTopics({ topics: ['trips'] })
  await admin.close()
}

function kcat(broker: string, input: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = [
      '-b',
      broker,
      '-X',
      'client.id=kcat',
      '-X',
      'topic.metadata.refresh.interval.ms=1000'
    ]
    const child = execFile('kcat', [...all, ...args], { timeout: 30000 }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error)
    )
    child.stdin?.end(input)
  })
}

export async function useKcat(broker: string): Promise<void> {
  await kcat(broker, '', '-L', '-t', 'kcat-topic')
  await waitMs(1000)
  await kcat(broker, 'a:1\nb:2\n', '-P', '-t', 'kcat-topic', '-K:', '-H', 'h=1', '-p', '0')
  const idempotent = ['-X', 'enable.idempotence=true', '-z', 'snappy']
  await kcat(broker, 'c:3\nd:4\n', '-P', '-t', 'kcat-topic', '-K:', ...idempotent)
  await kcat(broker, '', '-C', '-t', 'kcat-topic', '-p', '0', '-o', 'beginning', '-e')
  await kcat(broker, '', '-Q', '-t', 'kcat-topic:0:1')
  const group = ['-X', 'group.instance.id=kcat-1', '-X', 'auto.offset.reset=earliest', '-c', '2']
  await kcat(broker, '', '-G', 'kcat-group', ...group, 'kcat-topic')
  await kcat(
    broker,
    '',
    '-G',
    'kcat-group-2',
    '-X',
    'auto.offset.reset=earliest',
    '-e',
    'kcat-topic'
  )
}

type Tool = (...args: string[]) => Promise<void>

export async function useJavaTools(broker: string, tool: Tool): Promise<void> {
  const to = ['--bootstrap-server', broker]
  const topic = ['--topic', 'java-topic']
  await tool(
    'topics',
    ...to,
    '--create',
    ...topic,
    '--partitions',
    '2',
    '--config',
    'retention.ms=9999999'
  )
  await tool('topics', ...to, '--alter', ...topic, '--partitions', '3')
  await tool(
    'producer-perf',
    ...topic,
    '--num-records',
    '20',
    '--record-size',
    '20',
    '--throughput',
    '-1',
    '--producer-props',
    `bootstrap.servers=${broker}`,
    'client.id=java'
  )
  const group = ['--group', 'java-group', '--consumer-property', 'auto.commit.interval.ms=500']
  for (const count of ['10', '5']) {
    await tool(
      'console-consumer',
      ...to,
      ...topic,
      ...group,
      '--consumer-property',
      'auto.offset.reset=earliest',
      '--consumer-property',
      'max.poll.records=1',
      '--max-messages',
      count
    )
  }
  await tool(
    'console-consumer',
    ...to,
    ...topic,
    '--group',
    'java-static',
    '--consumer-property',
    'group.instance.id=java-1',
    '--from-beginning',
    '--max-messages',
    '20',
    '--consumer-property',
    'heartbeat.interval.ms=50'
  )
  await tool(
    'console-consumer',
    ...to,
    ...topic,
    '--group',
    'java-static',
    '--consumer-property',
    'group.instance.id=java-1',
    '--timeout-ms',
    '4000',
    '--consumer-property',
    'heartbeat.interval.ms=50'
  )
  await tool('topics', ...to, '--list')
  await tool('topics', ...to, '--describe', ...topic)
  await tool('get-offsets', ...to, ...topic, '--time', '-3')
  await administerWithJava(to, topic, tool)
}

async function administerWithJava(to: string[], topic: string[], tool: Tool): Promise<void> {
  await tool(
    'configs',
    ...to,
    '--describe',
    '--entity-type',
    'topics',
    '--entity-name',
    'java-topic'
  )
  await tool(
    'configs',
    ...to,
    '--alter',
    '--entity-type',
    'topics',
    '--entity-name',
    'java-topic',
    '--add-config',
    'max.message.bytes=200000'
  )
  await tool('groups', ...to, '--list', '--state')
  await tool('groups', ...to, '--describe', '--group', 'java-group')
  await tool('groups', ...to, '--describe', '--group', 'java-group', '--members', '--verbose')
  await tool(
    'groups',
    ...to,
    '--reset-offsets',
    '--to-earliest',
    '--execute',
    '--group',
    'java-group',
    ...topic
  )
  await tool('groups', ...to, '--delete-offsets', '--group', 'java-group', ...topic)
  await tool('groups', ...to, '--delete', '--group', 'java-group')
  await tool('log-dirs', ...to, '--describe', '--topic-list', 'java-topic')
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-capture-'))
  const file = join(folder, 'delete-records.json')
  const partitions = [{ topic: 'java-topic', partition: 0, offset: 1 }]
  writeFileSync(file, JSON.stringify({ version: 1, partitions }))
  await tool('delete-records', ...to, '--offset-json-file', file)
  rmSync(folder, { recursive: true })
  await tool('topics', ...to, '--delete', ...topic)
}
