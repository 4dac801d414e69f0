import t, { type Test } from 'tap'
import { zeroUuid } from '../../../../gateway/kafka/codec/index.ts'
import {
  type MetadataRequest,
  metadataRequest,
  metadataResponse
} from '../../../../gateway/kafka/schemas/metadata.ts'
import { StoreError } from '../../../../storage/errors.ts'
import {
  type AskerOptions,
  clusterId,
  nodeId,
  startAsker,
  versionsOf
} from '../../../support/kafka-asker.ts'

const notAsked = -2_147_483_648

function start(t: Test, options?: AskerOptions) {
  const asker = startAsker(t, options)
  const metadata = (
    version: number,
    names: readonly string[] | null,
    rest: Partial<MetadataRequest> = {}
  ) =>
    asker.ask(metadataRequest, metadataResponse, version, {
      topics: names === null ? null : names.map((name) => ({ name })),
      ...rest
    })
  return { ...asker, metadata }
}

t.test('every version tells the one node and a topic, as far as it can', async (t) => {
  for (const version of versionsOf(metadataRequest)) {
    const { metadata, add, store } = start(t)
    const topic = add('orders', { queueCount: 2 })
    store.epochs.set(topic.queues[1] ?? 0, 3)
    const answer = await metadata(version, ['orders'])
    t.same(answer.brokers, [{ nodeId, host: '127.0.0.1', port: 9092, rack: null }])
    t.equal(answer.controllerId, version < 1 ? -1 : nodeId)
    t.equal(answer.clusterId, version < 2 ? null : clusterId)
    t.equal(answer.clusterAuthorizedOperations, notAsked)
    const epoch = (known: number) => (version < 7 ? -1 : known)
    const partition = (partitionIndex: number, leaderEpoch: number) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch,
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
      offlineReplicas: []
    })
    t.same(
      answer.topics,
      [
        {
          errorCode: 0,
          name: 'orders',
          topicId: version < 10 ? zeroUuid : topic.id,
          isInternal: false,
          partitions: [partition(0, epoch(0)), partition(1, epoch(3))],
          topicAuthorizedOperations: notAsked
        }
      ],
      `version ${version}`
    )
  }
})

t.test('all topics are asked for with null, in version 0 with an empty list', async (t) => {
  const { metadata, add } = start(t)
  add('b')
  add('a')
  add('rmq.sys', { system: true })
  const namesIn = async (version: number, names: string[] | null) =>
    (await metadata(version, names)).topics.map((topic) => [topic.errorCode, topic.name])
  const all = [
    [0, 'a'],
    [0, 'b']
  ]
  t.same(await namesIn(0, []), all)
  t.same(await namesIn(1, null), all)
  t.same(await namesIn(13, null), all)
  t.same(await namesIn(1, []), [])
  t.same(await namesIn(13, []), [])
})

t.test('the answer for all topics has no error even if a topic goes meanwhile', async (t) => {
  const { metadata, add, store } = start(t)
  add('stays')
  const gone = add('goes')
  const endsOf = store.endsOf.bind(store)
  store.endsOf = async (queues) => {
    const ends = await endsOf(queues)
    return ends.map((end, i) => (gone.queues.includes(queues[i] as number) ? undefined : end))
  }
  const all = await metadata(9, null)
  t.same(
    all.topics.map((topic) => [topic.errorCode, topic.name]),
    [[0, 'stays']]
  )
  const asked = await metadata(9, ['goes'], { allowAutoTopicCreation: false })
  t.match(asked.topics, [{ errorCode: 3, name: 'goes', partitions: { length: 0 } }])
})

t.test('a topic that is missing is made before the answer, once', async (t) => {
  const { metadata, store } = start(t, { policy: { defaultQueueCount: 3 } })
  for (const version of [0, 3, 4, 13]) {
    const name = `new-${version}`
    const [topic, ...others] = (await metadata(version, [name, name])).topics
    t.same(others, [])
    t.equal(topic?.errorCode, 0)
    t.equal(topic?.partitions.length, 3)
    t.ok(version < 10 || topic?.topicId !== zeroUuid)
    t.same((await metadata(version, [name])).topics, [topic], 'the same when asked again')
  }
  t.equal(store.commits.length, 4)
})

t.test('a topic is not made where client or server do not want it', async (t) => {
  const { metadata, store } = start(t)
  const forbidden = { allowAutoTopicCreation: false }
  const missing = { errorCode: 3, topicId: zeroUuid, isInternal: false, partitions: [] }
  t.match((await metadata(4, ['new'], forbidden)).topics, [{ ...missing, name: 'new' }])
  t.match((await metadata(13, ['new'], forbidden)).topics, [{ ...missing, name: 'new' }])
  const off = start(t, { policy: { autoCreate: false } })
  t.match((await off.metadata(1, ['new'])).topics, [{ ...missing, name: 'new' }])
  t.equal(store.commits.length, 0)
})

t.test('names that cannot be are refused, each for itself', async (t) => {
  const { metadata, add } = start(t)
  add('a.b')
  add('rmq.retry.g')
  add('rmq.sys', { system: true })
  const names = ['a.b', 'a_b', 'a b', '', '..', 'x'.repeat(250), 'rmq.x', 'rmq.retry.g', 'rmq.sys']
  const made = (await metadata(12, names)).topics.map((topic) => topic.errorCode)
  t.same(made, [0, 17, 17, 17, 17, 17, 17, 0, 3])
  const looked = await metadata(12, names, { allowAutoTopicCreation: false })
  t.same(
    looked.topics.map((topic) => topic.errorCode),
    [0, 3, 17, 17, 17, 17, 3, 0, 3]
  )
})

t.test('topics are asked for by id from version 12 on', async (t) => {
  const { ask, add } = start(t)
  const topic = add('orders')
  const system = add('rmq.sys', { system: true })
  const unknown = 'e'.repeat(32)
  const byId = (version: number, ...ids: string[]) =>
    ask(metadataRequest, metadataResponse, version, {
      topics: ids.map((topicId) => ({ topicId, name: null }))
    })
  const answer = await byId(12, topic.id, unknown, system.id)
  t.match(answer.topics, [
    { errorCode: 0, name: 'orders', topicId: topic.id, partitions: [{ errorCode: 0 }] },
    { errorCode: 100, name: null, topicId: unknown, partitions: [] },
    { errorCode: 100, name: null, topicId: system.id, partitions: [] }
  ])
  const early = await byId(11, topic.id)
  t.match(early.topics, [{ errorCode: 42, name: '', topicId: topic.id, partitions: { length: 0 } }])
  t.equal(early.brokers.length, 1)
  const named = await ask(metadataRequest, metadataResponse, 10, {
    topics: [{ topicId: topic.id, name: 'orders' }]
  })
  t.match(named.topics, [{ errorCode: 42, name: 'orders' }])
})

t.test('rights are told to who asks for them', async (t) => {
  const { metadata, add } = start(t)
  add('orders')
  const asked = {
    includeTopicAuthorizedOperations: true,
    includeClusterAuthorizedOperations: true
  }
  const told = await metadata(10, ['orders'], asked)
  t.equal(told.topics[0]?.topicAuthorizedOperations, 3576)
  t.equal(told.clusterAuthorizedOperations, 8096)
  t.equal((await metadata(11, null, asked)).clusterAuthorizedOperations, notAsked)
})

t.test('clients are told the address they dialled, or what is advertised for it', async (t) => {
  const told = async (options: AskerOptions) => {
    const [broker] = (await start(t, options).metadata(1, [])).brokers
    return [broker?.host, broker?.port]
  }
  t.same(await told({ localAddress: '10.0.0.5' }), ['10.0.0.5', 9092])
  t.same(await told({ localAddress: '::1' }), ['::1', 9092])
  t.same(await told({ advertise: ['kafka=public.example:19092'] }), ['public.example', 19092])
})

t.test('what the store cannot do now the client asks for again', async (t) => {
  const { metadata, store, overloads } = start(t)
  store.failures.push(new StoreError('overloaded', 'too much waits'))
  t.match((await metadata(9, ['new'])).topics, [{ errorCode: 5, partitions: { length: 0 } }])
  t.equal(overloads(), 1)
  store.failures.push(new StoreError('disk-full', 'no space'))
  t.match((await metadata(9, ['new'])).topics, [{ errorCode: 5 }])
  t.match((await metadata(9, ['new'])).topics, [{ errorCode: 0 }])
})
