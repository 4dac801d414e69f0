import t from 'tap'
import {
  deleteGroupsRequest,
  deleteGroupsResponse
} from '../../../../gateway/kafka/schemas/delete-groups.ts'
import {
  describeGroupsRequest,
  describeGroupsResponse
} from '../../../../gateway/kafka/schemas/describe-groups.ts'
import {
  listGroupsRequest,
  listGroupsResponse
} from '../../../../gateway/kafka/schemas/list-groups.ts'
import {
  offsetDeleteRequest,
  offsetDeleteResponse
} from '../../../../gateway/kafka/schemas/offset-delete.ts'
import { GroupBroker, subscription } from './group-broker.ts'

/** A Stable group of one consumer that reads `topic`; returns its member id. */
async function stable(broker: GroupBroker, group: string, topic = 'a', protocolType = 'consumer') {
  const { coordinator } = broker.kafka
  const signal = new AbortController().signal
  const joined = await coordinator.join({
    groupId: group,
    memberId: '',
    instanceId: null,
    clientId: 'app',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType,
    protocols: [{ name: 'range', metadata: subscription(topic) }],
    idBeforeJoin: false,
    canSkipAssignment: true,
    signal
  })
  await coordinator.sync({
    groupId: group,
    memberId: joined.memberId,
    instanceId: null,
    generation: joined.generation,
    protocolType: null,
    protocolName: null,
    assignments: [{ memberId: joined.memberId, assignment: Buffer.from('work') }],
    signal
  })
  return joined.memberId
}

async function simpleGroup(broker: GroupBroker, group: string, topicId: string) {
  const entry = { topicId, queue: 0, offset: 5, leaderEpoch: -1, metadata: '' }
  await broker.kafka.offsets.commit(group, [entry, { ...entry, queue: 1 }])
}

t.test('groups are listed with their states and types, and filtered in any case', async (t) => {
  const broker = await GroupBroker.open(t)
  await simpleGroup(broker, 'simple', await broker.addTopic('a'))
  await stable(broker, 'live')
  await stable(broker, 'work', 'a', 'connect')
  const list = async (version: number, filters: object = {}) => {
    const answer = await broker.call(listGroupsRequest, listGroupsResponse, version, filters)
    return [...answer.groups].sort((one, two) => (one.groupId < two.groupId ? -1 : 1))
  }
  for (let version = 0; version <= 3; version++) {
    t.match(await list(version), [
      { groupId: 'live', protocolType: 'consumer' },
      { groupId: 'simple', protocolType: '' },
      { groupId: 'work', protocolType: 'connect' }
    ])
  }
  t.match(await list(5), [
    { groupState: 'Stable', groupType: 'classic' },
    { groupState: 'Empty', groupType: 'classic' },
    { groupState: 'Stable', groupType: 'classic' }
  ])
  const ids = async (filters: object) => (await list(5, filters)).map(({ groupId }) => groupId)
  t.same(await ids({ statesFilter: ['empty', 'nonsense'] }), ['simple'])
  t.same(await ids({ statesFilter: ['nonsense'] }), [])
  t.same(await ids({ typesFilter: ['Classic'], statesFilter: ['STABLE'] }), ['live', 'work'])
  t.same(await ids({ typesFilter: ['consumer'] }), [])
})

t.test('groups are described: their members, and what these offer and do', async (t) => {
  const broker = await GroupBroker.open(t)
  await simpleGroup(broker, 'simple', await broker.addTopic('a'))
  const memberId = await stable(broker, 'live')
  for (let version = 0; version <= 6; version++) {
    const { groups } = await broker.call(describeGroupsRequest, describeGroupsResponse, version, {
      groups: ['live', 'simple', 'none'],
      ...(version >= 3 ? { includeAuthorizedOperations: version === 3 } : {})
    })
    t.match(groups[0], {
      errorCode: 0,
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      authorizedOperations: version === 3 ? 3_400 : -2_147_483_648
    })
    t.match(groups[0]?.members, [
      {
        memberId,
        clientId: 'app',
        clientHost: '/127.0.0.1',
        memberMetadata: subscription('a'),
        memberAssignment: Buffer.from('work')
      }
    ])
    t.match(groups[1], {
      errorCode: 0,
      groupState: 'Empty',
      protocolType: '',
      members: { length: 0 }
    })
    t.match(groups[2], {
      errorCode: version >= 6 ? 69 : 0,
      groupState: 'Dead',
      members: { length: 0 }
    })
  }
  void broker.kafka.coordinator.join({
    groupId: 'live',
    memberId: '',
    instanceId: null,
    clientId: 'second',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('a') }],
    idBeforeJoin: false,
    canSkipAssignment: true,
    signal: new AbortController().signal
  })
  const { groups } = await broker.call(describeGroupsRequest, describeGroupsResponse, 5, {
    groups: ['live']
  })
  t.match(groups[0], { groupState: 'PreparingRebalance', protocolData: '' })
  t.equal(groups[0]?.members.length, 2)
  t.ok(groups[0]?.members.every(({ memberMetadata }) => memberMetadata.length === 0))
  t.same(
    groups[0]?.members.map(({ memberAssignment }) => memberAssignment.toString()),
    ['work', ''],
    'what they still do'
  )
})

t.test('groups without members are deleted with their offsets', async (t) => {
  const broker = await GroupBroker.open(t)
  await simpleGroup(broker, 'simple', await broker.addTopic('a'))
  await stable(broker, 'live')
  const { results } = await broker.call(deleteGroupsRequest, deleteGroupsResponse, 2, {
    groupsNames: ['simple', 'live', 'none', 'simple']
  })
  t.same(results, [
    { groupId: 'simple', errorCode: 0 },
    { groupId: 'live', errorCode: 68 },
    { groupId: 'none', errorCode: 69 }
  ])
  t.same(await broker.kafka.offsets.fetchAll('simple'), [])
  const after = await broker.reopen(t)
  t.notOk(after.kafka.exists('simple'))
  t.ok(after.kafka.exists('live'))
})

t.test('a commit that races a deletion is either deleted or makes the group anew', async (t) => {
  const broker = await GroupBroker.open(t)
  const topicId = await broker.addTopic('a')
  await simpleGroup(broker, 'g', topicId)
  const before = simpleGroup(broker, 'g', topicId)
  const deletion = broker.kafka.offsets.deleteGroup('g', () => true)
  const after = broker.kafka.offsets.commit('g', [
    { topicId, queue: 0, offset: 9, leaderEpoch: -1, metadata: '' }
  ])
  await Promise.all([before, deletion, after])
  t.ok(broker.kafka.exists('g'))
  const rows = await broker.kafka.offsets.fetchAll('g')
  t.same(
    rows.map(({ queue, offset }) => [queue, offset]),
    [[0, 9]]
  )
  const reopened = await broker.reopen(t)
  t.ok(reopened.kafka.exists('g'))
})

t.test('offsets of topics that no member reads are deleted', async (t) => {
  const broker = await GroupBroker.open(t)
  const a = await broker.addTopic('a')
  const b = await broker.addTopic('b')
  const remove = (group: string, names: readonly string[], partitions: readonly number[]) =>
    broker.call(offsetDeleteRequest, offsetDeleteResponse, 0, {
      groupId: group,
      topics: names.map((name) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex }))
      }))
    })
  t.equal((await remove('g', ['a'], [0])).errorCode, 69)
  await simpleGroup(broker, 'g', a)
  await simpleGroup(broker, 'g', b)
  await stable(broker, 'g', 'a')
  const answer = await remove('g', ['a', 'b', 'none'], [0, 7])
  t.equal(answer.errorCode, 0)
  t.same(
    answer.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
    [
      [86, 3],
      [0, 3],
      [3, 3]
    ]
  )
  const left = (await broker.kafka.offsets.fetchAll('g')).map(({ topicId, queue }) => [
    topicId === a ? 'a' : 'b',
    queue
  ])
  t.same(left.sort(), [
    ['a', 0],
    ['a', 1],
    ['b', 1]
  ])
  await stable(broker, 'work', 'a', 'connect')
  t.equal((await remove('work', ['a'], [0])).errorCode, 68)
})
