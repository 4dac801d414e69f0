import t from 'tap'
import { errorCodes } from '../../../../gateway/kafka/error-codes.ts'
import { GroupWorld, settle } from './group-world.ts'

const text = (bytes: Buffer | undefined) => bytes?.toString()

t.test('a new dynamic member gets its id first, then joins with it', async (t) => {
  const world = new GroupWorld()
  const first = await world.join({ clientId: 'app' }).promise
  t.equal(first.error, errorCodes.MEMBER_ID_REQUIRED)
  t.match(first.memberId, /^app-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  t.equal(world.state, 'Empty')
  const joined = await world.join({ memberId: first.memberId }).promise
  t.match(joined, {
    error: 0,
    generation: 1,
    protocolType: 'consumer',
    protocolName: 'range',
    leader: first.memberId,
    memberId: first.memberId,
    skipAssignment: false
  })
  t.same(
    joined.members.map(({ memberId, metadata }) => [memberId, text(metadata)]),
    [[first.memberId, 'm']]
  )
  t.equal(world.state, 'CompletingRebalance')
})

t.test('before version 4 a member joins at once', async (t) => {
  const world = new GroupWorld()
  const joined = await world.join({ version: 3 }).promise
  t.match(joined, { error: 0, generation: 1, leader: joined.memberId })
})

t.test('an id that was handed out and not used is forgotten with the group', async (t) => {
  const world = new GroupWorld()
  const { memberId } = await world.join({ sessionTimeoutMs: 6_000 }).promise
  await world.clock.advance(5_999)
  t.equal(world.state, 'Empty')
  await world.clock.advance(1)
  t.equal(world.state, 'none')
  t.equal(world.clock.timers, 0)
  t.same(world.events, ['release g'])
  const late = await world.join({ memberId }).promise
  t.equal(late.error, errorCodes.UNKNOWN_MEMBER_ID)
})

t.test('joins are refused by the rules, in their order', async (t) => {
  const world = new GroupWorld({ liveGroupsMax: 1 })
  const errorOf = async (wish: Parameters<GroupWorld['join']>[0]) =>
    (await world.join(wish).promise).error
  t.equal(await errorOf({ group: '' }), errorCodes.INVALID_GROUP_ID)
  t.equal(await errorOf({ group: 'x'.repeat(32_768) }), errorCodes.INVALID_GROUP_ID)
  t.equal(await errorOf({ sessionTimeoutMs: 5_999 }), errorCodes.INVALID_SESSION_TIMEOUT)
  t.equal(await errorOf({ sessionTimeoutMs: 1_800_001 }), errorCodes.INVALID_SESSION_TIMEOUT)
  t.equal(await errorOf({ memberId: 'who' }), errorCodes.UNKNOWN_MEMBER_ID)
  t.equal(await errorOf({ protocols: [] }), errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  t.equal(await errorOf({ protocolType: '' }), errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  t.equal(world.state, 'none', 'a refused join leaves no group behind')
  await world.stable(1)
  t.equal(await errorOf({ protocolType: 'connect' }), errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  t.equal(await errorOf({ protocols: [['other', 'm']] }), errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  t.equal(await errorOf({ memberId: 'who' }), errorCodes.UNKNOWN_MEMBER_ID)
  t.equal(await errorOf({ group: 'second' }), errorCodes.COORDINATOR_NOT_AVAILABLE)
})

t.test("a group that another protocol's members have is refused", async (t) => {
  const world = new GroupWorld()
  world.claimable = false
  t.equal((await world.join().promise).error, errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  t.equal(world.state, 'none')
})

t.test('the leader assigns, each member gets its own part and nobody else’s', async (t) => {
  const world = new GroupWorld()
  const a = await world.joinWithId()
  const b = await world.joinWithId()
  t.equal(b.result, undefined, 'the second waits until the first has joined again')
  t.equal(world.state, 'PreparingRebalance')
  const again = world.join({ memberId: a.memberId })
  const [joinedA, joinedB] = await Promise.all([again.promise, b.promise])
  t.equal(joinedA.generation, 2)
  t.equal(joinedB.generation, 2)
  t.equal(joinedB.leader, a.memberId, 'the leader stays')
  t.same(joinedB.members, [])
  t.same(joinedA.members.map(({ memberId }) => memberId).sort(), [a.memberId, b.memberId].sort())

  const syncB = world.sync(joinedB)
  await settle()
  t.equal(syncB.result, undefined, 'a follower waits for the leader')
  const syncA = world.sync(joinedA, { [a.memberId]: 'for a', [b.memberId]: 'for b', who: 'x' })
  t.equal(text((await syncA.promise).assignment), 'for a')
  t.equal(text((await syncB.promise).assignment), 'for b')
  t.equal(world.state, 'Stable')
  t.equal(text((await world.sync(joinedB).promise).assignment), 'for b', 'and again when asked')
})

t.test('a member that the leader forgot is assigned nothing', async (t) => {
  const world = new GroupWorld()
  const joined = await world.joinWithId()
  const synced = await world.sync(await joined.promise).promise
  t.match(synced, { error: 0, protocolType: 'consumer', protocolName: 'range' })
  t.equal(synced.assignment.length, 0)
})

t.test('the protocol is the one that all offer and most prefer', async (t) => {
  const world = new GroupWorld()
  const offers = [
    [
      ['x', '1'],
      ['range', '1'],
      ['sticky', '1']
    ],
    [
      ['sticky', '2'],
      ['range', '2']
    ],
    [
      ['sticky', '3'],
      ['range', '3']
    ]
  ] as const
  const members = []
  for (const protocols of offers) {
    const member = await world.joinWithId({ protocols })
    members.push(member)
    for (const [index, earlier] of members.slice(0, -1).entries()) {
      world.join({ memberId: earlier.memberId, protocols: offers[index]! })
    }
    await settle()
  }
  t.equal(world.group().protocolName, 'sticky', 'x is not offered by all')
  const third = await members[2]!.promise
  t.equal(third.protocolName, 'sticky')
  t.equal(text(world.group().members.get(members[0]!.memberId)?.metadataFor('sticky')), '1')
})

t.test('sync is refused to strangers, other generations and other protocols', async (t) => {
  const world = new GroupWorld()
  const [member] = await world.stable(1)
  const errorOf = async (asked: { promise: Promise<{ error: number }> }) =>
    (await asked.promise).error
  t.equal(
    await errorOf(world.sync({ memberId: 'who', generation: 1 })),
    errorCodes.UNKNOWN_MEMBER_ID
  )
  t.equal(await errorOf(world.sync({ ...member!, generation: 2 })), errorCodes.ILLEGAL_GENERATION)
  t.equal(
    await errorOf(world.sync(member!, {}, { protocolType: 'connect' })),
    errorCodes.INCONSISTENT_GROUP_PROTOCOL
  )
  t.equal(
    await errorOf(world.sync(member!, {}, { protocolType: 'consumer', protocolName: 'sticky' })),
    errorCodes.INCONSISTENT_GROUP_PROTOCOL
  )
  await world.joinWithId()
  t.equal(world.state, 'PreparingRebalance')
  t.equal(await errorOf(world.sync(member!)), errorCodes.REBALANCE_IN_PROGRESS)
})

t.test('heartbeats say what the group does', async (t) => {
  const world = new GroupWorld()
  t.equal(world.heartbeat('who', 1), errorCodes.UNKNOWN_MEMBER_ID)
  const joined = await (await world.joinWithId()).promise
  t.equal(world.heartbeat(joined.memberId, 1), 0, 'CompletingRebalance')
  await world.sync(joined).promise
  t.equal(world.heartbeat(joined.memberId, 1), 0, 'Stable')
  t.equal(world.heartbeat(joined.memberId, 0), errorCodes.ILLEGAL_GENERATION)
  t.equal(world.heartbeat('who', 1), errorCodes.UNKNOWN_MEMBER_ID)
  await world.joinWithId()
  t.equal(world.heartbeat(joined.memberId, 1), errorCodes.REBALANCE_IN_PROGRESS)
})

t.test(
  'a silent member is put out when its session ends, a heartbeat starts it over',
  async (t) => {
    const world = new GroupWorld()
    const [a, b] = await world.stable(2)
    await world.clock.advance(9_000)
    t.equal(world.heartbeat(a!.memberId, 2), 0)
    await world.clock.advance(999)
    t.equal(world.state, 'Stable')
    await world.clock.advance(1)
    t.equal(world.state, 'PreparingRebalance', 'b was silent for 10 s')
    t.notOk(world.group().members.has(b!.memberId))
    t.equal(world.heartbeat(a!.memberId, 2), errorCodes.REBALANCE_IN_PROGRESS)
    const again = await world.join({ memberId: a!.memberId }).promise
    t.match(again, { error: 0, generation: 3, leader: a!.memberId })
  }
)

t.test('timers that the server itself held up put nobody out', async (t) => {
  const world = new GroupWorld()
  await world.stable(1)
  await world.clock.stall(25_000)
  await world.clock.advance(10_000)
  t.equal(world.state, 'Stable', 'its timer fired 25 s late')
  await world.clock.advance(9_999)
  t.equal(world.state, 'Stable')
  await world.clock.advance(1)
  t.equal(world.state, 'none')
})

t.test('when the last member leaves the group is gone from memory, with all timers', async (t) => {
  const world = new GroupWorld()
  const [a, b] = await world.stable(2)
  t.equal(world.leave(a!.memberId), 0)
  t.equal(world.leave(a!.memberId), errorCodes.UNKNOWN_MEMBER_ID)
  t.equal(world.leave(b!.memberId), 0)
  t.equal(world.state, 'none')
  t.equal(world.clock.timers, 0)
  t.same(world.events.slice(-2), ['emptied g', 'release g'])
  t.equal(world.leave(b!.memberId), errorCodes.UNKNOWN_MEMBER_ID)
})

t.test(
  'joining again: the leader or new metadata rebalances, a follower gets what it had',
  async (t) => {
    const world = new GroupWorld()
    const [a, b] = await world.stable(2)
    const same = await world.join({ memberId: b!.memberId }).promise
    t.match(same, { error: 0, generation: 2, leader: a!.memberId, members: { length: 0 } })
    t.equal(world.state, 'Stable')
    const changed = world.join({ memberId: b!.memberId, protocols: [['range', 'other']] })
    t.equal(world.state, 'PreparingRebalance')
    const leads = world.join({ memberId: a!.memberId })
    t.equal((await leads.promise).generation, 3)
    t.equal((await changed.promise).generation, 3)
    // CompletingRebalance: the answer may have been lost.
    const leadsAgain = await world.join({ memberId: a!.memberId }).promise
    t.match(leadsAgain, { error: 0, generation: 3 })
    t.equal(leadsAgain.members.length, 2)
    t.equal(world.state, 'CompletingRebalance')
    await world.sync(leadsAgain).promise
    world.join({ memberId: a!.memberId })
    t.equal(world.state, 'PreparingRebalance', 'a Stable leader wants to assign anew')
  }
)

t.test('a rebalance while members wait for an assignment sends them back to join', async (t) => {
  const world = new GroupWorld()
  const a = await world.joinWithId()
  const b = await world.joinWithId()
  const joinedA = world.join({ memberId: a.memberId })
  const syncB = world.sync(await b.promise)
  const c = await world.joinWithId()
  t.equal((await syncB.promise).error, errorCodes.REBALANCE_IN_PROGRESS)
  t.equal((await world.sync(await joinedA.promise).promise).error, errorCodes.REBALANCE_IN_PROGRESS)
  world.join({ memberId: a.memberId })
  world.join({ memberId: b.memberId })
  t.equal((await c.promise).generation, 3)
})

t.test('the initial delay gathers members, and is extended while they come', async (t) => {
  const world = new GroupWorld({ initialRebalanceDelayMs: 3_000 })
  const a = world.join({ version: 3, rebalanceTimeoutMs: 7_000 })
  await world.clock.advance(2_999)
  const b = world.join({ version: 3, rebalanceTimeoutMs: 7_000 })
  await world.clock.advance(1)
  t.equal(a.result, undefined)
  const c = world.join({ version: 3, rebalanceTimeoutMs: 7_000 })
  await world.clock.advance(3_000)
  t.equal(a.result, undefined)
  world.join({ version: 3, rebalanceTimeoutMs: 7_000 })
  await world.clock.advance(999)
  t.equal(a.result, undefined)
  await world.clock.advance(1)
  t.match([a.result, b.result, c.result], [{ generation: 1 }, { generation: 1 }, { generation: 1 }])
  t.equal(world.group().members.size, 4)
})

t.test('a full group takes no more', async (t) => {
  const world = new GroupWorld({ groupMembersMax: 2 })
  await world.stable(2)
  const refused = await world.join().promise
  t.match(refused, { error: errorCodes.GROUP_MAX_SIZE_REACHED, memberId: '' })
  t.equal(world.state, 'Stable')
})

t.test('what a group keeps of its members is limited, and counted exactly', async (t) => {
  const world = new GroupWorld({ groupBytesMax: 1_000, allGroupsBytesMax: 1_500 })
  const big = (group: string, bytes: number) =>
    world.join({ group, version: 3, protocols: [['p', 'x'.repeat(bytes - 1)]] }).promise
  t.equal((await big('one', 1_001)).error, errorCodes.GROUP_MAX_SIZE_REACHED)
  const one = await big('one', 1_000)
  t.equal(one.error, 0)
  t.equal((await big('two', 501)).error, errorCodes.GROUP_MAX_SIZE_REACHED)
  t.equal((await big('two', 500)).error, 0)
  world.coordinator.leave('one', [{ memberId: one.memberId, instanceId: null }])
  t.equal((await big('three', 1_000)).error, 0, 'what left makes room')
})

t.test('an assignment beyond the limit is refused and everybody joins again', async (t) => {
  const world = new GroupWorld({ groupBytesMax: 100 })
  const joined = await (await world.joinWithId()).promise
  const synced = await world.sync(joined, { [joined.memberId]: 'x'.repeat(100) }).promise
  t.equal(synced.error, errorCodes.UNKNOWN_SERVER_ERROR)
  t.equal(world.state, 'PreparingRebalance')
})

t.test('commits: outsiders into an empty group only, members with their generation', async (t) => {
  const world = new GroupWorld()
  t.equal(world.commit('', -1), 0, 'a group that only commits')
  t.equal(world.commit('who', 3, { version: 8 }), errorCodes.ILLEGAL_GENERATION)
  t.equal(world.commit('who', 3), errorCodes.GROUP_ID_NOT_FOUND)
  world.stored.add('g')
  t.equal(world.commit('who', 3), errorCodes.UNKNOWN_MEMBER_ID, 'after a restart: join again')
  t.equal(world.commit('', -1), 0)
  const joined = await (await world.joinWithId()).promise
  t.equal(world.commit(joined.memberId, 1), errorCodes.REBALANCE_IN_PROGRESS)
  await world.sync(joined).promise
  t.equal(world.commit(joined.memberId, 1), 0)
  t.equal(world.commit(joined.memberId, 2), errorCodes.ILLEGAL_GENERATION)
  t.equal(world.commit(joined.memberId, -1), errorCodes.ILLEGAL_GENERATION)
  t.equal(world.commit('', -1), errorCodes.UNKNOWN_MEMBER_ID)
  t.equal(world.commit('who', 1), errorCodes.UNKNOWN_MEMBER_ID)
  await world.joinWithId()
  t.equal(world.commit(joined.memberId, 1), 0, 'PreparingRebalance: the last chance to commit')
})

t.test('a commit keeps the session alive', async (t) => {
  const world = new GroupWorld()
  const [member] = await world.stable(1)
  await world.clock.advance(9_000)
  t.equal(world.commit(member!.memberId, 1), 0)
  await world.clock.advance(9_000)
  t.equal(world.state, 'Stable')
})

t.test('closing answers all that waits and leaves no timer', async (t) => {
  const world = new GroupWorld()
  await world.stable(1)
  const waiting = await world.joinWithId()
  await world.join().promise
  world.coordinator.close()
  t.equal((await waiting.promise).error, errorCodes.NOT_COORDINATOR)
  t.equal(world.clock.timers, 0)
  t.equal((await world.join().promise).error, errorCodes.NOT_COORDINATOR)
  t.equal(world.heartbeat('who', 1), errorCodes.NOT_COORDINATOR)
})
