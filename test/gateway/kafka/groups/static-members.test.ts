import t from 'tap'
import { errorCodes } from '../../../../gateway/kafka/error-codes.ts'
import { GroupWorld, settle } from './group-world.ts'

/** Two static members in a Stable group; the first leads. */
async function twoStatic(world: GroupWorld) {
  const a = await world.join({ instanceId: 'a' }).promise
  const waiting = world.join({ instanceId: 'b' })
  const joinedA = await world.join({ memberId: a.memberId, instanceId: 'a' }).promise
  const joinedB = await waiting.promise
  const assignments = { [joinedA.memberId]: 'for a', [joinedB.memberId]: 'for b' }
  await world.sync(joinedA, assignments, { instanceId: 'a' }).promise
  await world.sync(joinedB, {}, { instanceId: 'b' }).promise
  return { a: joinedA, b: joinedB }
}

t.test('a static member joins at once, under an id made of its instance id', async (t) => {
  const joined = await new GroupWorld().join({ instanceId: 'rack-7' }).promise
  t.equal(joined.error, 0)
  t.match(joined.memberId, /^rack-7-[0-9a-f-]{36}$/)
  t.same(
    joined.members.map(({ instanceId }) => instanceId),
    ['rack-7']
  )
})

t.test('a static follower that comes back keeps its assignment, without a rebalance', async (t) => {
  const world = new GroupWorld()
  const { a, b } = await twoStatic(world)
  const back = await world.join({ instanceId: 'b' }).promise
  t.match(back, {
    error: 0,
    generation: 2,
    leader: a.memberId,
    members: { length: 0 },
    skipAssignment: false
  })
  t.not(back.memberId, b.memberId)
  t.equal(world.state, 'Stable')
  const synced = await world.sync(back, {}, { instanceId: 'b' }).promise
  t.equal(synced.assignment.toString(), 'for b')
  t.equal(world.heartbeat(b.memberId, 2, 'b'), errorCodes.FENCED_INSTANCE_ID)
  t.equal(world.commit(b.memberId, 2, { instanceId: 'b' }), errorCodes.FENCED_INSTANCE_ID)
  t.equal(world.heartbeat(b.memberId, 2), errorCodes.UNKNOWN_MEMBER_ID)
  t.equal(world.leave(b.memberId, 'b'), errorCodes.FENCED_INSTANCE_ID)
  t.equal(world.heartbeat(back.memberId, 2, 'b'), 0)
})

t.test(
  'a static leader that comes back is told not to assign (v9), or that it follows',
  async (t) => {
    const world = new GroupWorld()
    const { a } = await twoStatic(world)
    const back = await world.join({ instanceId: 'a' }).promise
    t.match(back, { error: 0, generation: 2, leader: back.memberId, skipAssignment: true })
    t.equal(back.members.length, 2, 'it sees everybody, to watch their topics')
    const again = await world.join({ instanceId: 'a', version: 8 }).promise
    t.match(again, {
      error: 0,
      leader: back.memberId,
      skipAssignment: false,
      members: { length: 0 }
    })
    t.not(again.memberId, back.memberId)
    t.equal(world.group().leaderId, again.memberId)
    t.equal(world.state, 'Stable')
    t.not(again.memberId, a.memberId)
  }
)

t.test('a static member whose offer changes the protocol starts a rebalance', async (t) => {
  const world = new GroupWorld()
  const joined = await world.join({
    instanceId: 'a',
    protocols: [
      ['range', '1'],
      ['sticky', '1']
    ]
  }).promise
  await world.sync(joined, {}, { instanceId: 'a' }).promise
  const back = await world.join({
    instanceId: 'a',
    protocols: [
      ['sticky', '1'],
      ['range', '1']
    ]
  }).promise
  t.match(back, { error: 0, generation: 2, protocolName: 'sticky', skipAssignment: false })
})

t.test('a static member that comes back during CompletingRebalance rebalances again', async (t) => {
  const world = new GroupWorld()
  const a = await world.join({ instanceId: 'a' }).promise
  const back = world.join({ instanceId: 'a' })
  t.equal((await back.promise).generation, 2)
  t.equal(
    (await world.sync(a, {}, { instanceId: 'a' }).promise).error,
    errorCodes.FENCED_INSTANCE_ID
  )
})

t.test('whatever the fenced id waits for is answered so', async (t) => {
  const world = new GroupWorld()
  const { a } = await twoStatic(world)
  const other = await world.joinWithId()
  const parked = world.join({ memberId: a.memberId, instanceId: 'a' })
  const back = world.join({ instanceId: 'a' })
  t.equal((await parked.promise).error, errorCodes.FENCED_INSTANCE_ID)
  t.equal(back.result, undefined)
  world.join({ instanceId: 'b' })
  t.equal((await other.promise).generation, 3)
  t.equal((await back.promise).leader, (await back.promise).memberId, 'it leads under its new id')
  const syncOther = world.sync(await other.promise)
  const syncB = world.sync(
    { memberId: world.group().staticMemberId('b') ?? '', generation: 3 },
    {},
    { instanceId: 'b' }
  )
  world.join({ instanceId: 'b' })
  t.equal((await syncB.promise).error, errorCodes.FENCED_INSTANCE_ID)
  t.equal((await syncOther.promise).error, errorCodes.REBALANCE_IN_PROGRESS)
})

t.test('a static member that does not join again stays until its session ends', async (t) => {
  const world = new GroupWorld()
  const wish = { rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 20_000 }
  const a = await world.join({ ...wish, instanceId: 'a' }).promise
  await world.sync(a, {}, { instanceId: 'a' }).promise
  const b = await world.joinWithId(wish)
  await world.clock.advance(5_000)
  const joinedB = await b.promise
  t.match(joinedB, { error: 0, generation: 2, leader: b.memberId })
  t.equal(joinedB.members.length, 2, 'the leader assigns to it, too')
})

t.test('static members only, and none comes back: their sessions decide', async (t) => {
  const world = new GroupWorld()
  const { a, b } = await twoStatic(world)
  const pending = await world.join().promise
  const joining = world.join({ memberId: pending.memberId, rebalanceTimeoutMs: 60_000 })
  await settle()
  t.equal(world.leave(pending.memberId), 0)
  t.equal((await joining.promise).error, errorCodes.UNKNOWN_MEMBER_ID)
  await world.clock.advance(10_000)
  t.equal(world.state, 'none')
  t.equal(world.clock.timers, 0)
  t.equal(world.heartbeat(a.memberId, 2), errorCodes.UNKNOWN_MEMBER_ID)
  t.equal(world.heartbeat(b.memberId, 2), errorCodes.UNKNOWN_MEMBER_ID)
})

t.test('an administrator puts a static member out by its instance id', async (t) => {
  const world = new GroupWorld()
  const { a } = await twoStatic(world)
  t.equal(world.leave('', 'who'), errorCodes.UNKNOWN_MEMBER_ID)
  t.equal(world.leave(''), errorCodes.UNKNOWN_MEMBER_ID)
  t.equal(world.leave('', 'b'), 0)
  t.equal(world.state, 'PreparingRebalance')
  const again = await world.join({ memberId: a.memberId, instanceId: 'a' }).promise
  t.equal(again.generation, 3)
  const wrong = await world.join({ memberId: a.memberId, instanceId: 'b' }).promise
  t.equal(wrong.error, errorCodes.UNKNOWN_MEMBER_ID, 'the instance is gone')
})
