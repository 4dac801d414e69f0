import t, { type Test } from 'tap'
import {
  offsetCommitRequest,
  offsetCommitResponse
} from '../../../../gateway/kafka/schemas/offset-commit.ts'
import {
  offsetFetchRequest,
  offsetFetchResponse
} from '../../../../gateway/kafka/schemas/offset-fetch.ts'
import { StoreError } from '../../../../storage/index.ts'
import { GroupBroker } from './group-broker.ts'

interface Place {
  readonly partition: number
  readonly offset: number
  readonly metadata?: string | null
  readonly epoch?: number
}

async function commit(
  broker: GroupBroker,
  version: number,
  group: string,
  topics: Readonly<Record<string, readonly Place[]>>,
  { memberId = '', generation = -1 } = {}
) {
  const answer = await broker.call(offsetCommitRequest, offsetCommitResponse, version, {
    groupId: group,
    generationIdOrMemberEpoch: generation,
    memberId,
    topics: Object.entries(topics).map(([name, places]) => ({
      name,
      partitions: places.map(({ partition, offset, metadata = '', epoch = -1 }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: metadata,
        ...(version >= 6 ? { committedLeaderEpoch: epoch } : {})
      }))
    }))
  })
  return answer.topics.map(({ name, partitions }) => [
    name,
    partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])
  ])
}

/** [topic, [[partition, offset, epoch, metadata, error]]] */
async function fetchOffsets(
  broker: GroupBroker,
  version: number,
  group: string,
  topics: Readonly<Record<string, readonly number[]>> | null
) {
  const asked =
    topics === null
      ? null
      : Object.entries(topics).map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
  const answer = await broker.call(
    offsetFetchRequest,
    offsetFetchResponse,
    version,
    version < 8
      ? { groupId: group, topics: asked }
      : { groups: [{ groupId: group, topics: asked }] }
  )
  const found = version < 8 ? answer : answer.groups[0]!
  return {
    error: found.errorCode,
    topics: found.topics.map(({ name, partitions }) => [
      name,
      partitions.map((each) => [
        each.partitionIndex,
        each.committedOffset,
        each.committedLeaderEpoch,
        each.metadata,
        each.errorCode
      ])
    ])
  }
}

t.test('what was committed is fetched, in every version of both', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  for (let version = 2; version <= 9; version++) {
    const places = [
      { partition: 0, offset: version, metadata: `v${version}`, epoch: 3 },
      { partition: 1, offset: 100 + version, metadata: null }
    ]
    t.same(await commit(broker, version, 'g', { a: places }), [
      [
        'a',
        [
          [0, 0],
          [1, 0]
        ]
      ]
    ])
    for (let fetchVersion = 1; fetchVersion <= 9; fetchVersion++) {
      const epoch = version >= 6 && fetchVersion >= 5 ? 3 : -1
      t.same(await fetchOffsets(broker, fetchVersion, 'g', { a: [1, 0] }), {
        error: 0,
        topics: [
          [
            'a',
            [
              [1, 100 + version, -1, '', 0],
              [0, version, epoch, `v${version}`, 0]
            ]
          ]
        ]
      })
    }
  }
})

t.test('null topics are all that the group has committed, of topics that exist', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  const doomed = await broker.addTopic('b')
  await commit(broker, 8, 'g', {
    a: [
      { partition: 1, offset: 11 },
      { partition: 0, offset: 10 }
    ],
    b: [{ partition: 0, offset: 20 }]
  })
  for (const version of [2, 7, 8, 9]) {
    const { topics } = await fetchOffsets(broker, version, 'g', null)
    t.same(topics.sort(), [
      [
        'a',
        [
          [0, 10, -1, '', 0],
          [1, 11, -1, '', 0]
        ]
      ],
      ['b', [[0, 20, -1, '', 0]]]
    ])
  }
  await broker.topics.delete(doomed)
  await broker.addTopic('b')
  const { topics } = await fetchOffsets(broker, 8, 'g', null)
  t.same(topics, [
    [
      'a',
      [
        [0, 10, -1, '', 0],
        [1, 11, -1, '', 0]
      ]
    ]
  ])
  const again = await fetchOffsets(broker, 8, 'g', { b: [0] })
  t.same(again.topics, [['b', [[0, -1, -1, '', 0]]]], 'a topic made again has no old offsets')
})

t.test('an unknown group, topic or partition is no error: offset -1', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  for (const version of [1, 2, 5, 8]) {
    t.same(await fetchOffsets(broker, version, 'nobody', { a: [0, 9], none: [0] }), {
      error: 0,
      topics: [
        [
          'a',
          [
            [0, -1, -1, '', 0],
            [9, -1, -1, '', 0]
          ]
        ],
        ['none', [[0, -1, -1, '', 0]]]
      ]
    })
  }
})

t.test('several groups in one request are answered each', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  await commit(broker, 8, 'one', { a: [{ partition: 0, offset: 1 }] })
  await commit(broker, 8, 'two', { a: [{ partition: 0, offset: 2 }] })
  const answer = await broker.call(offsetFetchRequest, offsetFetchResponse, 8, {
    groups: [
      { groupId: 'two', topics: null },
      { groupId: 'one', topics: [{ name: 'a', partitionIndexes: [0] }] }
    ],
    requireStable: true
  })
  t.same(
    answer.groups.map(({ groupId, topics }) => [
      groupId,
      topics[0]?.partitions[0]?.committedOffset
    ]),
    [
      ['two', 2],
      ['one', 1]
    ]
  )
})

t.test('more queues than are looked up one by one', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('wide', 40)
  const places = Array.from({ length: 40 }, (_, partition) => ({
    partition,
    offset: partition * 2
  }))
  await commit(broker, 8, 'g', { wide: places.filter(({ partition }) => partition % 2 === 0) })
  const asked = places.map(({ partition }) => partition).reverse()
  const { topics } = await fetchOffsets(broker, 7, 'g', { none: [0], wide: asked })
  t.same(
    topics[1]?.[1],
    asked.map((queue) => [queue, queue % 2 ? -1 : queue * 2, -1, '', 0])
  )
})

t.test('negative offsets and those past the end are kept as they are', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  for (const offset of [-1, -2, 5_000_000_000]) {
    await commit(broker, 5, 'g', { a: [{ partition: 0, offset }] })
    t.same((await fetchOffsets(broker, 4, 'g', { a: [0] })).topics, [
      ['a', [[0, offset, -1, '', 0]]]
    ])
  }
})

t.test('a commit is refused partition by partition, the rest is stored', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  const answer = await commit(broker, 8, 'g', {
    a: [
      { partition: 0, offset: 1, metadata: 'x'.repeat(4_097) },
      { partition: 1, offset: 2, metadata: 'x'.repeat(4_096) },
      { partition: 2, offset: 3 },
      { partition: -1, offset: 3 }
    ],
    none: [{ partition: 0, offset: 4 }]
  })
  t.same(answer, [
    [
      'a',
      [
        [0, 12],
        [1, 0],
        [2, 3],
        [-1, 3]
      ]
    ],
    ['none', [[0, 3]]]
  ])
  const { topics } = await fetchOffsets(broker, 8, 'g', null)
  t.same(topics, [['a', [[1, 2, -1, 'x'.repeat(4_096), 0]]]])
})

t.test(
  'a topic that is deleted while its offsets are committed gets error 3, the others are stored',
  async (t) => {
    const broker = await GroupBroker.open(t)
    await broker.addTopic('a')
    const doomed = await broker.addTopic('b')
    await broker.addTopic('c')
    const { topics } = broker
    const find = topics.findByName.bind(topics)
    topics.findByName = async (name) => {
      const topic = await find(name)
      if (name === 'b') await topics.delete(doomed)
      return topic
    }
    const answer = await commit(broker, 8, 'g', {
      a: [{ partition: 0, offset: 1 }],
      b: [{ partition: 0, offset: 2 }],
      c: [{ partition: 1, offset: 3 }]
    })
    t.same(answer, [
      ['a', [[0, 0]]],
      ['b', [[0, 3]]],
      ['c', [[1, 0]]]
    ])
    t.equal((await fetchOffsets(broker, 8, 'g', null)).topics.length, 2)
  }
)

t.test('committed offsets are there after a power cut', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  for (let offset = 0; offset < 50; offset++) {
    await commit(broker, 8, `g${offset % 3}`, { a: [{ partition: offset % 2, offset }] })
  }
  const expected = await Promise.all([0, 1, 2].map((g) => fetchOffsets(broker, 8, `g${g}`, null)))
  const after = await broker.reopen(t)
  const found = await Promise.all([0, 1, 2].map((g) => fetchOffsets(after, 8, `g${g}`, null)))
  t.same(found, expected)
  t.match(found[0], {
    topics: [
      [
        'a',
        [
          [0, 48],
          [1, 45]
        ]
      ]
    ]
  })
})

t.test('what storage refuses is an answer that clients retry', async (t: Test) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  const failing = new StoreError('overloaded', 'too much')
  broker.store.commit = () => Promise.reject(failing)
  t.same(await commit(broker, 8, 'g', { a: [{ partition: 0, offset: 1 }] }), [['a', [[0, 15]]]])
  t.equal(broker.overloads, 1)
  t.notOk(broker.kafka.exists('g'), 'a group that could not be stored is forgotten')
  broker.store.scanState = () => Promise.reject(new StoreError('closed', 'closing'))
  broker.store.readState = () => Promise.reject(new StoreError('closed', 'closing'))
  t.match(await fetchOffsets(broker, 8, 'g', null), { error: 16, topics: { length: 0 } })
  t.match(await fetchOffsets(broker, 2, 'g', { a: [0] }), { error: 16 })
  t.match(await fetchOffsets(broker, 1, 'g', { a: [0] }), {
    topics: [['a', [[0, -1, -1, '', 16]]]]
  })
})

t.test('group names that cannot be are refused, the empty one may commit', async (t) => {
  const broker = await GroupBroker.open(t)
  await broker.addTopic('a')
  const place = { a: [{ partition: 0, offset: 1 }] }
  t.same(await commit(broker, 2, 'x'.repeat(32_767), place), [['a', [[0, 0]]]])
  t.same(await commit(broker, 9, 'rmq.name.x', place), [['a', [[0, 24]]]])
  t.same(await commit(broker, 2, '', place), [['a', [[0, 0]]]])
  t.same((await fetchOffsets(broker, 1, '', { a: [0] })).topics, [['a', [[0, 1, -1, '', 0]]]])
})
