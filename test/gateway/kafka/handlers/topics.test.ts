import t, { type Test } from 'tap'
import { zeroUuid } from '../../../../gateway/kafka/codec/index.ts'
import {
  createPartitionsRequest,
  createPartitionsResponse
} from '../../../../gateway/kafka/schemas/create-partitions.ts'
import {
  type CreateTopicsRequest,
  createTopicsRequest,
  createTopicsResponse
} from '../../../../gateway/kafka/schemas/create-topics.ts'
import {
  deleteTopicsRequest,
  deleteTopicsResponse
} from '../../../../gateway/kafka/schemas/delete-topics.ts'
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse
} from '../../../../gateway/kafka/schemas/describe-topic-partitions.ts'
import { StoreError } from '../../../../storage/errors.ts'
import { type AskerOptions, nodeId, startAsker, versionsOf } from '../../../support/kafka-asker.ts'

type AskedTopic = CreateTopicsRequest['topics'][number]

function wish(name: string, rest: Partial<AskedTopic> = {}): AskedTopic {
  return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [], ...rest }
}

function start(t: Test, options?: AskerOptions) {
  const asker = startAsker(t, options)
  const { ask } = asker
  const create = async (topics: readonly AskedTopic[], version = 7, validateOnly = false) =>
    (await ask(createTopicsRequest, createTopicsResponse, version, { topics, validateOnly })).topics
  const extend = async (
    name: string,
    count: number,
    assignments: readonly { readonly brokerIds: readonly number[] }[] | null = null,
    validateOnly = false
  ) => {
    const body = { topics: [{ name, count, assignments }], timeoutMs: 1, validateOnly }
    const answer = await ask(createPartitionsRequest, createPartitionsResponse, 3, body)
    return answer.results[0]?.errorCode
  }
  const countOf = async (name: string) =>
    (await asker.store.findTopic({ kafkaName: name }))?.queues.length
  return { ...asker, create, extend, countOf }
}

t.test('every version of CreateTopics makes topics, and tells what it can of them', async (t) => {
  for (const version of versionsOf(createTopicsRequest)) {
    const { create, store } = start(t)
    const configs = [{ name: 'retention.ms', value: '5' }]
    const answers = await create([wish('a'), wish('b', { numPartitions: 2, configs })], version)
    t.match(answers, [
      { name: 'a', errorCode: 0, errorMessage: null },
      { name: 'b', errorCode: 0, errorMessage: null }
    ])
    const made = await store.findTopic({ kafkaName: 'b' })
    t.equal(made?.queues.length, 2)
    t.same(made?.config, { 'retention.ms': '5' })
    const [a, b] = answers
    t.equal(b?.topicId, version < 7 ? zeroUuid : made?.id)
    t.equal(a?.numPartitions, version < 5 ? -1 : 4)
    t.equal(b?.replicationFactor, version < 5 ? -1 : 1)
    const retention = b?.configs?.find((config) => config.name === 'retention.ms')
    t.same(
      retention,
      version < 5
        ? undefined
        : {
            name: 'retention.ms',
            value: '5',
            readOnly: false,
            configSource: 1,
            isSensitive: false
          }
    )
    t.equal(a?.configs?.every((config) => config.configSource === 5) ?? true, true)
  }
})

t.test('a topic that cannot be made says why, and keeps none of the others', async (t) => {
  const { create, add } = start(t, { policy: { queuesPerTopicMax: 10 } })
  add('exists')
  add('exists-too')
  add('dot.ted')
  add('rmq.sys', { system: true })
  const assign = (...assignments: AskedTopic['assignments']) => ({ assignments })
  const onNode = (partitionIndex: number, ...brokerIds: number[]) => ({ partitionIndex, brokerIds })
  const config = (name: string, value: string | null) => ({ configs: [{ name, value }] })
  const cases: [wished: AskedTopic, errorCode: number][] = [
    [wish('exists'), 36],
    [wish('exists-too', { numPartitions: 0 }), 36],
    [wish('rmq.sys'), 17],
    [wish('dot_ted'), 17],
    [wish('a b'), 17],
    [wish(''), 17],
    [wish('..'), 17],
    [wish('rmq.mine'), 17],
    [wish('zero', { numPartitions: 0 }), 37],
    [wish('minus', { numPartitions: -2 }), 37],
    [wish('many', { numPartitions: 11 }), 44],
    [wish('norf', { replicationFactor: 0 }), 38],
    [wish('minrf', { replicationFactor: -2 }), 38],
    [wish('both', { ...assign(onNode(0, nodeId)), numPartitions: 1 }), 42],
    [wish('bothrf', { ...assign(onNode(0, nodeId)), replicationFactor: 1 }), 42],
    [wish('gap', assign(onNode(0, nodeId), onNode(2, nodeId))), 39],
    [wish('twice', assign(onNode(0, nodeId), onNode(0, nodeId))), 39],
    [wish('from1', assign(onNode(1, nodeId))), 39],
    [wish('nobody', assign(onNode(0))), 39],
    [wish('stranger', assign(onNode(0, nodeId + 1))), 39],
    [wish('copies', assign(onNode(0, nodeId, nodeId))), 39],
    [wish('unknown', config('no.such.setting', '1')), 40],
    [wish('bad', config('retention.ms', 'soon')), 40],
    [wish('null', config('retention.ms', null)), 40],
    [wish('small', config('segment.bytes', '200')), 40],
    [wish('dup'), 42],
    [wish('dup'), 42],
    [wish('fine'), 0]
  ]
  const answers = await create(cases.map(([wished]) => wished))
  const expected = new Map(cases.map(([wished, errorCode]) => [wished.name, errorCode]))
  t.equal(answers.length, expected.size, 'each name once')
  for (const { name, errorCode, errorMessage, configs, topicId } of answers) {
    t.equal(errorCode, expected.get(name), name)
    if (errorCode === 0) continue
    t.match(errorMessage, /\S/, `${name} is told why`)
    t.same([configs, topicId], [[], zeroUuid], name)
  }
})

t.test('assignments to the one node say how many partitions there are', async (t) => {
  const { create, countOf } = start(t)
  const assignments = [2, 0, 1].map((partitionIndex) => ({ partitionIndex, brokerIds: [nodeId] }))
  t.match(await create([wish('assigned', { assignments })]), [{ errorCode: 0, numPartitions: 3 }])
  t.equal(await countOf('assigned'), 3)
})

t.test('a replication factor that one node cannot have is taken, and reported as 1', async (t) => {
  const { create } = start(t)
  t.match(await create([wish('three', { replicationFactor: 3 })]), [
    { errorCode: 0, replicationFactor: 1 }
  ])
})

t.test('settings that Kafka once had are dropped', async (t) => {
  const { create, store } = start(t)
  const configs = [{ name: 'message.format.version', value: '2.8' }]
  t.match(await create([wish('old', { configs })]), [{ errorCode: 0 }])
  t.same((await store.findTopic({ kafkaName: 'old' }))?.config, {})
})

t.test('with validateOnly everything is checked and nothing made', async (t) => {
  const { create, add, countOf, store } = start(t)
  add('exists')
  const wishes = [wish('new', { numPartitions: 3 }), wish('exists'), wish('a b')]
  const answers = await create(wishes, 7, true)
  t.match(answers, [{ errorCode: 0, numPartitions: 3 }, { errorCode: 36 }, { errorCode: 17 }])
  t.ok((answers[0]?.configs ?? []).length > 20)
  t.equal(await countOf('new'), undefined)
  t.equal(store.commits.length, 0)
})

t.test('what the store refuses is told', async (t) => {
  const { create, store, overloads } = start(t)
  store.failures.push(new StoreError('disk-full', 'below the reserve'))
  t.match(await create([wish('a')]), [{ errorCode: 56, errorMessage: 'below the reserve' }])
  store.failures.push(new StoreError('overloaded', 'too much waits'))
  t.match(await create([wish('a')]), [{ errorCode: 7 }])
  t.equal(overloads(), 1)
  store.failures.push(new StoreError('limit-reached', 'no uids left'))
  t.match(await create([wish('a')]), [{ errorCode: 44 }])
})

t.test('every version of DeleteTopics deletes', async (t) => {
  for (const version of versionsOf(deleteTopicsRequest)) {
    const { ask, add, countOf } = start(t)
    const topic = add('goes')
    add('stays')
    const body =
      version < 6
        ? { topicNames: ['goes', 'never'], timeoutMs: 1 }
        : {
            topics: [
              { name: 'goes', topicId: zeroUuid },
              { name: 'never', topicId: zeroUuid }
            ],
            timeoutMs: 1
          }
    const { responses } = await ask(deleteTopicsRequest, deleteTopicsResponse, version, body)
    t.match(responses, [
      { name: 'goes', errorCode: 0, topicId: version < 6 ? zeroUuid : topic.id },
      { name: 'never', errorCode: 3 }
    ])
    t.equal(responses[1]?.errorMessage === null, version < 5)
    t.equal(await countOf('goes'), undefined)
    t.equal(await countOf('stays'), 1)
  }
})

t.test('topics are deleted by id, and never by half a name', async (t) => {
  const { ask, add, countOf } = start(t)
  const byId = add('by-id')
  const both = add('both')
  const twice = add('twice')
  const system = add('rmq.sys', { system: true })
  const unknown = 'e'.repeat(32)
  const topics = [
    { name: null, topicId: byId.id },
    { name: null, topicId: unknown },
    { name: 'both', topicId: both.id },
    { name: null, topicId: zeroUuid },
    { name: null, topicId: twice.id },
    { name: null, topicId: twice.id },
    { name: 'rmq.sys', topicId: zeroUuid },
    { name: null, topicId: system.id }
  ]
  const body = { topics, timeoutMs: 1 }
  const { responses } = await ask(deleteTopicsRequest, deleteTopicsResponse, 6, body)
  t.match(responses, [
    { name: 'by-id', topicId: byId.id, errorCode: 0 },
    { name: null, topicId: unknown, errorCode: 100 },
    { name: 'both', topicId: both.id, errorCode: 42 },
    { name: null, topicId: zeroUuid, errorCode: 42 },
    { name: null, topicId: twice.id, errorCode: 42 },
    { name: 'rmq.sys', errorCode: 3 },
    { name: null, topicId: system.id, errorCode: 100 }
  ])
  t.equal(responses.length, 7)
  t.same([await countOf('both'), await countOf('twice'), await countOf('rmq.sys')], [1, 1, 1])
})

t.test('every version of CreatePartitions adds partitions', async (t) => {
  for (const version of versionsOf(createPartitionsRequest)) {
    const { ask, add, countOf } = start(t)
    add('grows')
    const topics = [
      { name: 'grows', count: 3, assignments: null },
      { name: 'never', count: 3, assignments: null }
    ]
    const body = { topics, timeoutMs: 1, validateOnly: false }
    const answer = await ask(createPartitionsRequest, createPartitionsResponse, version, body)
    t.match(answer.results, [
      { name: 'grows', errorCode: 0, errorMessage: null },
      { name: 'never', errorCode: 3, errorMessage: /\S/ }
    ])
    t.equal(await countOf('grows'), 3)
  }
})

t.test('partitions that cannot be are refused', async (t) => {
  const { ask, extend, add, countOf } = start(t, { policy: { queuesPerTopicMax: 10 } })
  add('topic', { queueCount: 2 })
  add('rmq.sys', { system: true })
  const mine = { brokerIds: [nodeId] }
  t.equal(await extend('topic', 2), 37)
  t.equal(await extend('topic', 1), 37)
  t.equal(await extend('topic', -1), 37)
  t.equal(await extend('topic', 11), 44)
  t.equal(await extend('topic', 4, [mine]), 39, 'too few assignments')
  t.equal(await extend('topic', 3, [{ brokerIds: [nodeId + 1] }]), 39)
  t.equal(await extend('topic', 3, [{ brokerIds: [nodeId, nodeId] }]), 39)
  t.equal(await extend('topic', 3, [{ brokerIds: [] }]), 39)
  t.equal(await extend('rmq.sys', 3), 3)
  t.equal(await extend('topic', 3, null, true), 0)
  t.equal(await extend('topic', 2, null, true), 37)
  const repeated = { name: 'topic', count: 5, assignments: null }
  const body = { topics: [repeated, repeated], timeoutMs: 1, validateOnly: false }
  const answer = await ask(createPartitionsRequest, createPartitionsResponse, 3, body)
  t.match(answer.results, [{ errorCode: 42 }])
  t.equal(answer.results.length, 1)
  t.equal(await countOf('topic'), 2, 'nothing was changed')
  t.equal(await extend('topic', 4, [mine, mine]), 0)
  t.equal(await countOf('topic'), 4)
})

t.test('DescribeTopicPartitions answers every topic asked for, by name', async (t) => {
  const { ask, add, store } = start(t)
  const a = add('a', { queueCount: 2 })
  add('b', { queueCount: 3 })
  add('rmq.sys', { system: true })
  store.epochs.set(a.queues[1] ?? 0, 5)
  type Cursor = { topicName: string; partitionIndex: number } | null
  const describe = async (names: string[], limit = 2000, cursor: Cursor = null) => {
    const answer = await ask(describeTopicPartitionsRequest, describeTopicPartitionsResponse, 0, {
      topics: names.map((name) => ({ name })),
      responsePartitionLimit: limit,
      cursor
    })
    const topics = answer.topics.map(({ name, errorCode, partitions }) => [
      name,
      errorCode,
      partitions.map((partition) => partition.partitionIndex)
    ])
    return { topics, next: answer.nextCursor, first: answer.topics[0] }
  }
  const whole = await describe(['c', 'b', 'a', 'b', 'a b', 'rmq.sys'])
  t.same(whole.topics, [
    ['a', 0, [0, 1]],
    ['a b', 17, []],
    ['b', 0, [0, 1, 2]],
    ['c', 3, []],
    ['rmq.sys', 3, []]
  ])
  t.equal(whole.next, null)
  t.match(whole.first, {
    topicId: a.id,
    isInternal: false,
    topicAuthorizedOperations: 3576,
    partitions: [
      { leaderId: nodeId, leaderEpoch: 0, replicaNodes: [nodeId], isrNodes: [nodeId] },
      { leaderId: nodeId, leaderEpoch: 5, eligibleLeaderReplicas: [], offlineReplicas: [] }
    ]
  })
  t.same((await describe([])).topics, [
    ['a', 0, [0, 1]],
    ['b', 0, [0, 1, 2]]
  ])

  const first = await describe(['b', 'a'], 3)
  t.same(first.topics, [
    ['a', 0, [0, 1]],
    ['b', 0, [0]]
  ])
  t.same(first.next, { topicName: 'b', partitionIndex: 1 })
  const second = await describe(['b', 'a'], 3, first.next)
  t.same(second.topics, [['b', 0, [1, 2]]])
  t.equal(second.next, null)
  const even = await describe(['b', 'a'], 2)
  t.same(even.topics, [['a', 0, [0, 1]]])
  t.same(even.next, { topicName: 'b', partitionIndex: 0 })
  t.same((await describe(['a'], -5)).topics, [['a', 0, [0]]], 'at least one partition at a time')
  const past = await describe(['a', 'b'], 5, { topicName: 'a', partitionIndex: 9 })
  t.same(past.topics, [
    ['a', 0, []],
    ['b', 0, [0, 1, 2]]
  ])
  const deleted = await describe(['b'], 5, { topicName: 'aa', partitionIndex: 1 })
  t.same(deleted.topics, [['b', 0, [0, 1, 2]]], "a cursor's topic may be gone meanwhile")
})
