// What real clients asked a real Kafka, asked here: the answers are the same, but for what is said below.
import t, { type Test } from 'tap'
import { startAsker } from '../../../support/kafka-asker.ts'
import { decodeFrame, type Fixture, kafkaFixtures } from '../../../support/kafka-fixtures.ts'

type Struct = Readonly<Record<string, unknown>>

const apis = new Set([
  'AlterConfigs',
  'CreatePartitions',
  'CreateTopics',
  'DeleteTopics',
  'DescribeCluster',
  'DescribeConfigs',
  'DescribeTopicPartitions',
  'FindCoordinator',
  'IncrementalAlterConfigs',
  'ListPartitionReassignments',
  'Metadata'
])

/** Kafka was asked before its coordinator was ready; here it always is. */
const notComparable = new Set(['find-coordinator-v2-kafkajs-request.hex'])

const fixtures = kafkaFixtures()
const requests = fixtures.filter(
  ({ message, file }) =>
    message.direction === 'request' && apis.has(message.name) && !notComparable.has(file)
)

t.test('there are captured requests of every kind', async (t) => {
  t.same(new Set(requests.map(({ message }) => message.name)), apis)
})

for (const request of requests) {
  t.test(`${request.file} is answered as by Kafka`, async (t) => {
    const response = fixtures.find(
      ({ file }) => file === request.file.replace('-request', '-response')
    )
    if (response === undefined) throw new Error('no response was captured')
    const { message, version, frame } = response
    const theirs = decodeFrame(message, version, frame)
    const ours = await answerHere(t, request, theirs.body)
    t.equal(ours.correlationId, theirs.correlationId)
    t.same(comparable(message.name, ours.body), comparable(message.name, theirs.body))
  })
}

/** Asks a server that has what Kafka had, as far as its answer tells. */
async function answerHere(t: Test, request: Fixture, theirs: Struct) {
  const brokers = structs(theirs.brokers).concat(structs(theirs.coordinators), [theirs])
  const port = brokers.map((broker) => broker.port).find((value) => typeof value === 'number')
  const { askFrame, add } = startAsker(t, {
    nodeId: 1,
    ...(typeof port === 'number' ? { localPort: port } : {}),
    ...(typeof theirs.clusterId === 'string' ? { clusterId: theirs.clusterId } : {})
  })
  const { name, key } = request.message
  if (name !== 'CreateTopics') for (const topic of topicsOf(request, theirs)) add(...topic)
  const answered = fixtures.find(({ message }) => message.key === key && message.name === name)
  if (answered === undefined) throw new Error('no such API')
  const response = fixtures.find(
    ({ file }) => file === request.file.replace('-request', '-response')
  )
  return decodeFrame(response!.message, request.version, await askFrame(request.frame))
}

/** The topics that must have been there, from the answer and from what was asked. */
function topicsOf(
  request: Fixture,
  theirs: Struct
): [name: string, rest: { id?: string; queueCount?: number; config?: Record<string, string> }][] {
  const { name } = request.message
  const described = structs(theirs.topics)
    .concat(structs(theirs.responses), structs(theirs.results))
    .filter((topic) => !isInternal(topic))
  return described.map((topic) => {
    const id = typeof topic.topicId === 'string' && !/^0*$/.test(topic.topicId) ? topic.topicId : ''
    const count = structs(topic.partitions).length
    const set = structs(topic.configs).filter((config) => config.configSource === 1)
    return [
      String(topic.name ?? topic.resourceName),
      {
        ...(id === '' ? {} : { id }),
        queueCount: count > 0 && name !== 'CreatePartitions' ? count : 1,
        config: Object.fromEntries(set.map((config) => [String(config.name), String(config.value)]))
      }
    ]
  })
}

function structs(value: unknown): Struct[] {
  return Array.isArray(value) ? (value as Struct[]) : []
}

function isInternal(topic: Struct): boolean {
  return topic.isInternal === true || String(topic.name).startsWith('__')
}

/**
 * Without what may differ: the ids of topics that the request makes, the order of lists that have none, internal
 * topics (here there are none), and the settings below.
 */
function comparable(api: string, body: Struct): unknown {
  const topics = structs(body.topics)
    .filter((topic) => !isInternal(topic))
    .map((topic) => ({
      ...topic,
      ...(api === 'CreateTopics' ? { topicId: '' } : {}),
      partitions: sorted(topic.partitions, 'partitionIndex'),
      configs: settingsOf(topic.configs)
    }))
  const results = structs(body.results).map((result) => ({
    ...result,
    configs: settingsOf(result.configs)
  }))
  return { ...body, topics: sorted(topics, 'name'), results }
}

function sorted(value: unknown, by: string): Struct[] {
  const keyOf = (item: Struct) => item[by] as string | number
  return structs(value).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** Kafka names no server's setting where it has another unit (hours for ms) or none: of synonyms the first counts. */
function settingsOf(value: unknown): Struct[] {
  return sorted(value, 'name').map((setting) => {
    const [first] = structs(setting.synonyms)
    const isOwn = setting.configSource === 1
    // min.insync.replicas is set for the whole cluster in KRaft (source 3); here it is a default.
    const configSource = setting.name === 'min.insync.replicas' ? 5 : setting.configSource
    return { ...setting, configSource, synonyms: isOwn ? first : undefined }
  })
}
