import t, { type Test } from 'tap'
import { defaultGroupPolicy } from '../../../../gateway/broker/groups/index.ts'
import { soonMs } from '../../../../storage/index-lives.ts'
import { settled } from '../../../support/fake-clock.ts'
import { GroupBroker } from '../../kafka/handlers/group-broker.ts'

const { retentionMs, checkIntervalMs } = defaultGroupPolicy

async function open(t: Test) {
  const broker = await GroupBroker.open(t)
  const topicId = await broker.addTopic('a')
  const commit = (group: string, queue = 0, id = topicId) =>
    broker.kafka.offsets.commit(group, [
      { topicId: id, queue, offset: 5, leaderEpoch: -1, metadata: '' }
    ])
  const queuesOf = async (group: string) =>
    (await broker.kafka.offsets.fetchAll(group)).map(({ queue }) => queue).sort()
  return { broker, commit, queuesOf, topicId }
}

t.test('a group that only commits loses each offset 7 days after its commit', async (t) => {
  const { broker, commit, queuesOf } = await open(t)
  await commit('g', 0)
  await broker.clock.advance(checkIntervalMs * 3)
  await commit('g', 1)
  await broker.clock.advance(retentionMs - checkIntervalMs * 3 - 1)
  t.same(await queuesOf('g'), [0, 1])
  await broker.clock.advance(1 + checkIntervalMs)
  t.same(await queuesOf('g'), [1])
  t.ok(broker.kafka.exists('g'))
  await broker.clock.advance(checkIntervalMs * 4)
  t.same(await queuesOf('g'), [])
  t.notOk(broker.kafka.exists('g'))
  t.same(await broker.store.scanState('group'), [])
})

t.test('a commit again starts the time over', async (t) => {
  const { broker, commit, queuesOf } = await open(t)
  await commit('g')
  await broker.clock.advance(retentionMs - checkIntervalMs)
  await commit('g')
  await broker.clock.advance(retentionMs - 1)
  t.same(await queuesOf('g'), [0])
  await broker.clock.advance(checkIntervalMs * 2)
  t.same(await queuesOf('g'), [])
})

t.test('a group that had members counts from the moment when the last one left', async (t) => {
  const { broker, commit, queuesOf } = await open(t)
  broker.groups.stored.occupied('g', 'consumer')
  const live = {
    protocol: 'kafka',
    reads: () => true,
    members: () => [],
    topics: () => undefined
  } as const
  broker.groups.ownership.claim('g', live)
  await commit('g')
  await broker.clock.advance(retentionMs * 3)
  t.same(await queuesOf('g'), [0], 'not while it has members that read the topic')
  broker.groups.ownership.release('g', 'kafka')
  broker.groups.stored.emptied('g')
  await broker.clock.advance(retentionMs - 1)
  t.same(await queuesOf('g'), [0])
  await broker.clock.advance(checkIntervalMs * 2)
  t.same(await queuesOf('g'), [])
  t.notOk(broker.kafka.exists('g'))
})

t.test('members keep the offsets of topics that they read, no others', async (t) => {
  const { broker, commit } = await open(t)
  const other = await broker.addTopic('b')
  const live = {
    protocol: 'kafka',
    reads: (topic: string) => topic === 'a',
    members: () => [],
    topics: () => undefined
  } as const
  broker.groups.ownership.claim('g', live)
  broker.groups.stored.occupied('g', 'consumer')
  await commit('g')
  await commit('g', 0, other)
  await broker.clock.advance(retentionMs * 2)
  const rows = await broker.kafka.offsets.fetchAll('g')
  t.equal(rows.length, 1)
  t.not(rows[0]?.topicId, other)
})

t.test('a group that never committed goes with its last member', async (t) => {
  const { broker } = await open(t)
  broker.groups.stored.occupied('g', 'consumer')
  await settled()
  t.equal((await broker.store.scanState('group')).length, 1)
  broker.groups.stored.emptied('g')
  t.ok(broker.kafka.exists('g'))
  await broker.clock.advance(checkIntervalMs)
  t.notOk(broker.kafka.exists('g'))
  t.same(await broker.store.scanState('group'), [])
})

t.test('without groups there is no timer', async (t) => {
  const { broker, commit, topicId } = await open(t)
  // The store's own, of its first minute.
  await broker.clock.advance(soonMs)
  const idle = broker.clock.timers
  await commit('g')
  t.equal(broker.clock.timers, idle + 1)
  await broker.kafka.offsets.deleteOffsets('g', [{ topicId, queue: 0 }])
  await broker.clock.advance(retentionMs * 2)
  t.notOk(broker.kafka.exists('g'))
  t.equal(broker.clock.timers, idle)
})

t.test('a restart gives members time to come back', async (t) => {
  const { broker, commit } = await open(t)
  broker.groups.ownership.claim('g', {
    protocol: 'kafka',
    reads: () => true,
    members: () => [],
    topics: () => undefined
  })
  broker.groups.stored.occupied('g', 'consumer')
  await commit('g')
  await broker.clock.advance(retentionMs * 2)
  await commit('simple')
  const after = await broker.reopen(t)
  t.match(after.kafka.summary('g'), { protocolType: 'consumer', state: 'Empty' })
  await after.clock.advance(retentionMs - 1)
  t.equal((await after.kafka.offsets.fetchAll('g')).length, 1, 'empty since the restart')
  await after.clock.advance(checkIntervalMs * 2)
  t.notOk(after.kafka.exists('g'))
  t.notOk(after.kafka.exists('simple'))
})

t.test('how long a group was empty survives a restart', async (t) => {
  const { broker, commit } = await open(t)
  broker.groups.stored.occupied('g', 'consumer')
  await commit('g')
  broker.groups.stored.emptied('g')
  await settled()
  await broker.clock.advance(retentionMs / 2)
  const after = await broker.reopen(t)
  await after.clock.advance(retentionMs / 2 - checkIntervalMs)
  t.equal((await after.kafka.offsets.fetchAll('g')).length, 1)
  await after.clock.advance(checkIntervalMs * 2)
  t.equal((await after.kafka.offsets.fetchAll('g')).length, 0)
})

t.test('a group that comes to life is stored so, and once', async (t) => {
  const { broker } = await open(t)
  const { stored } = broker.groups
  let commits = 0
  const commit = broker.store.commit.bind(broker.store)
  broker.store.commit = (change) => {
    commits++
    return commit(change)
  }
  stored.occupied('g', 'consumer')
  await settled()
  stored.occupied('g', 'consumer')
  await settled()
  t.equal(commits, 1)
  stored.emptied('g')
  stored.occupied('g', 'consumer')
  await settled()
  const [row] = await broker.store.scanState('group')
  t.match(row, { protocolType: 'consumer', emptySinceMs: -1, names: { kafka: 'g', rocketmq: 'g' } })
  t.ok(commits <= 3)
})

t.test('no more groups are stored than may be', async (t) => {
  const broker = await GroupBroker.open(t, { storedGroupsMax: 2 })
  const topicId = await broker.addTopic('a')
  const entry = { topicId, queue: 0, offset: 5, leaderEpoch: -1, metadata: '' }
  await broker.kafka.offsets.commit('one', [entry])
  await broker.kafka.offsets.commit('two', [entry])
  await t.rejects(broker.kafka.offsets.commit('three', [entry]), { code: 'limit-reached' })
  await broker.kafka.offsets.commit('two', [entry])
  t.ok(await broker.kafka.offsets.deleteGroup('one', () => true))
  await broker.kafka.offsets.commit('three', [entry])
})
