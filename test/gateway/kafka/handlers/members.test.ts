import t from 'tap'
import {
  describeGroupsRequest,
  describeGroupsResponse
} from '../../../../gateway/kafka/schemas/describe-groups.ts'
import { heartbeatRequest, heartbeatResponse } from '../../../../gateway/kafka/schemas/heartbeat.ts'
import {
  joinGroupRequest,
  joinGroupResponse
} from '../../../../gateway/kafka/schemas/join-group.ts'
import {
  leaveGroupRequest,
  leaveGroupResponse
} from '../../../../gateway/kafka/schemas/leave-group.ts'
import {
  syncGroupRequest,
  syncGroupResponse
} from '../../../../gateway/kafka/schemas/sync-group.ts'
import { GroupBroker, subscription } from './group-broker.ts'

interface Joining {
  readonly group?: string
  readonly memberId?: string
  readonly instanceId?: string
  readonly signal?: AbortSignal
}

function join(broker: GroupBroker, version: number, joining: Joining = {}) {
  return broker.call(
    joinGroupRequest,
    joinGroupResponse,
    version,
    {
      groupId: joining.group ?? 'g',
      sessionTimeoutMs: 10_000,
      ...(version >= 1 ? { rebalanceTimeoutMs: 20_000 } : {}),
      memberId: joining.memberId ?? '',
      ...(version >= 5 ? { groupInstanceId: joining.instanceId ?? null } : {}),
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('a') }]
    },
    joining.signal
  )
}

function sync(
  broker: GroupBroker,
  version: number,
  memberId: string,
  generationId: number,
  more: object = {}
) {
  return broker.call(syncGroupRequest, syncGroupResponse, version, {
    groupId: 'g',
    generationId,
    memberId,
    ...(version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
    assignments: [{ memberId, assignment: Buffer.from('work') }],
    ...more
  })
}

t.test('a member joins, syncs, beats and leaves in every version', async (t) => {
  for (let version = 0; version <= 9; version++) {
    const broker = await GroupBroker.open(t)
    let joined = await join(broker, version)
    if (version >= 4) {
      t.equal(joined.errorCode, 79)
      t.equal(joined.generationId, -1)
      t.equal(joined.protocolName, version < 7 ? '' : null)
      joined = await join(broker, version, { memberId: joined.memberId })
    }
    const { memberId } = joined
    t.match(memberId, /^app-/)
    t.match(joined, {
      errorCode: 0,
      generationId: 1,
      protocolName: 'range',
      protocolType: version >= 7 ? 'consumer' : null,
      leader: memberId,
      members: [{ memberId, metadata: subscription('a') }]
    })
    const synced = await sync(broker, Math.min(version, 5), memberId, 1)
    t.match(synced, {
      errorCode: 0,
      assignment: Buffer.from('work'),
      protocolName: version >= 5 ? 'range' : null
    })
    const beat = await broker.call(heartbeatRequest, heartbeatResponse, Math.min(version, 4), {
      groupId: 'g',
      generationId: 1,
      memberId
    })
    t.equal(beat.errorCode, 0)
    const leaveVersion = Math.min(version, 5)
    const left = await broker.call(
      leaveGroupRequest,
      leaveGroupResponse,
      leaveVersion,
      leaveVersion < 3 ? { groupId: 'g', memberId } : { groupId: 'g', members: [{ memberId }] }
    )
    t.equal(left.errorCode, 0)
    if (leaveVersion >= 3) t.match(left.members, [{ memberId, errorCode: 0 }])
    t.equal(broker.kafka.isOccupied('g'), false)
  }
})

t.test('an empty group id is refused everywhere', async (t) => {
  const broker = await GroupBroker.open(t)
  const claim = { groupId: '', generationId: 1, memberId: 'm' }
  t.equal((await join(broker, 9, { group: '' })).errorCode, 24)
  t.equal((await sync(broker, 3, 'm', 1, { groupId: '' })).errorCode, 24)
  t.equal((await broker.call(heartbeatRequest, heartbeatResponse, 4, claim)).errorCode, 24)
  const leaving = { groupId: '', memberId: 'm' }
  t.equal((await broker.call(leaveGroupRequest, leaveGroupResponse, 1, leaving)).errorCode, 24)
})

t.test('version 5 of SyncGroup must say the protocol, and the right one', async (t) => {
  const broker = await GroupBroker.open(t)
  const { memberId } = await join(broker, 3)
  const none = { protocolType: null, protocolName: null }
  t.equal((await sync(broker, 5, memberId, 1, none)).errorCode, 23)
  t.equal((await sync(broker, 5, memberId, 1, { protocolName: 'other' })).errorCode, 23)
  t.equal((await sync(broker, 5, memberId, 1)).errorCode, 0)
})

t.test('static members: many leave at once, each with its own answer', async (t) => {
  const broker = await GroupBroker.open(t)
  const { memberId } = await join(broker, 9, { instanceId: 'i-1' })
  t.match(memberId, /^i-1-/)
  const left = await broker.call(leaveGroupRequest, leaveGroupResponse, 5, {
    groupId: 'g',
    members: [
      { memberId: 'who', groupInstanceId: 'i-1' },
      { memberId: '', groupInstanceId: 'i-2' },
      { memberId: '', groupInstanceId: 'i-1', reason: 'by hand' },
      { memberId }
    ]
  })
  t.same(left, {
    throttleTimeMs: 0,
    errorCode: 0,
    members: [
      { memberId: 'who', groupInstanceId: 'i-1', errorCode: 82 },
      { memberId: '', groupInstanceId: 'i-2', errorCode: 25 },
      { memberId: '', groupInstanceId: 'i-1', errorCode: 0 },
      { memberId, groupInstanceId: null, errorCode: 25 }
    ]
  })
})

t.test('before version 3 the one member’s error is the answer’s', async (t) => {
  const broker = await GroupBroker.open(t)
  await join(broker, 3)
  const left = await broker.call(leaveGroupRequest, leaveGroupResponse, 2, {
    groupId: 'g',
    memberId: 'who'
  })
  t.equal(left.errorCode, 25)
})

t.test('a join whose connection goes is answered to nobody and leaves the group', async (t) => {
  const broker = await GroupBroker.open(t)
  const { memberId } = await join(broker, 3)
  await sync(broker, 3, memberId, 1)
  const connection = new AbortController()
  const parked = join(broker, 3, { signal: connection.signal })
  t.equal(broker.kafka.coordinator.find('g')?.members.size, 2)
  connection.abort()
  await parked
  t.equal(broker.kafka.coordinator.find('g')?.members.size, 1)
})

t.test(
  "Kafka's members are told to the other gateway, and RocketMQ's to Kafka's tools",
  async (t) => {
    const broker = await GroupBroker.open(t)
    const { ownership, stored } = broker.groups
    const { memberId } = await join(broker, 3)
    await sync(broker, 3, memberId, 1)
    const live = ownership.find('g')
    t.equal(live?.protocol, 'kafka')
    t.same([...(live?.topics() ?? [])], ['a'])
    t.match(live?.members(), [{ id: memberId, address: /^[\d.]+$/ }])
    t.same(
      [...ownership.entries()].map(([id]) => id),
      ['g']
    )

    const describe = async (groupId: string) => {
      const request = { groups: [groupId], includeAuthorizedOperations: false }
      const answer = await broker.call(describeGroupsRequest, describeGroupsResponse, 5, request)
      return answer.groups[0]
    }
    t.match(await describe('g'), { groupState: 'Stable', members: [{ memberId }] })
    const members = () => [{ id: '10.0.0.7@1#2', address: '10.0.0.7:4000' }]
    stored.occupied('r', '')
    t.match(await describe('r'), { groupState: 'Empty', members: { length: 0 } })
    ownership.claim('r', {
      protocol: 'rocketmq',
      reads: () => true,
      members,
      topics: () => undefined
    })
    const described = await describe('r')
    t.match(described, {
      groupState: 'Stable',
      protocolType: '',
      members: [{ memberId: '10.0.0.7@1#2', clientId: '10.0.0.7@1#2', clientHost: '/10.0.0.7' }]
    })
    t.equal(described?.members[0]?.memberAssignment.length, 0)
    t.ok(broker.kafka.isOccupied('r'))
  }
)

t.test("a group that RocketMQ's members have refuses Kafka's, and their commits", async (t) => {
  const broker = await GroupBroker.open(t)
  const { ownership } = broker.groups
  t.ok(
    ownership.claim('g', {
      protocol: 'rocketmq',
      reads: () => true,
      members: () => [],
      topics: () => undefined
    })
  )
  t.equal((await join(broker, 9)).errorCode, 23)
  const claim = { groupId: 'g', memberId: '', instanceId: null, generation: -1 }
  t.equal(broker.kafka.checkCommit(claim, 8), 25)
  ownership.release('g', 'kafka')
  t.equal((await join(broker, 9)).errorCode, 23, 'only its owner gives it back')
  ownership.release('g', 'rocketmq')
  t.equal((await join(broker, 9)).errorCode, 79)
  t.notOk(
    ownership.claim('g', {
      protocol: 'rocketmq',
      reads: () => true,
      members: () => [],
      topics: () => undefined
    })
  )
})
