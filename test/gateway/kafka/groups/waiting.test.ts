/** What waits in a rebalance, for whom, and for how long. */
import t from 'tap'
import { errorCodes } from '../../../../gateway/kafka/error-codes.ts'
import { GroupWorld, settle } from './group-world.ts'

const text = (bytes: Buffer | undefined) => bytes?.toString()

t.test('a rebalance goes on without dynamic members that do not join in time', async (t) => {
  const world = new GroupWorld()
  const [a] = await world.stable(1, { rebalanceTimeoutMs: 15_000, sessionTimeoutMs: 30_000 })
  const b = await world.joinWithId({ rebalanceTimeoutMs: 15_000 })
  await world.clock.advance(14_999)
  t.equal(b.result, undefined)
  await world.clock.advance(1)
  t.match(b.result, { error: 0, generation: 2, leader: b.memberId })
  t.equal(world.heartbeat(a!.memberId, 1), errorCodes.UNKNOWN_MEMBER_ID)
})

t.test('a parked join or sync does not expire', async (t) => {
  const world = new GroupWorld()
  const [a] = await world.stable(1, { rebalanceTimeoutMs: 100_000, sessionTimeoutMs: 10_000 })
  const b = await world.joinWithId({ rebalanceTimeoutMs: 100_000 })
  for (let beat = 0; beat < 6; beat++) {
    await world.clock.advance(9_000)
    world.heartbeat(a!.memberId, 1)
  }
  t.equal(b.result, undefined)
  const again = world.join({ memberId: a!.memberId })
  const joinedB = await b.promise
  t.equal(joinedB.error, 0)
  const syncB = world.sync(joinedB)
  for (let beat = 0; beat < 6; beat++) {
    await world.clock.advance(9_000)
    t.equal(world.heartbeat(a!.memberId, 2), 0)
  }
  t.equal(syncB.result, undefined)
  await world.sync(await again.promise).promise
  t.equal((await syncB.promise).error, 0)
})

t.test('a member that joined again does not expire while it waits for a slower one', async (t) => {
  const world = new GroupWorld()
  const wish = { rebalanceTimeoutMs: 100_000, sessionTimeoutMs: 10_000 }
  const [a, b] = await world.stable(2, wish)
  const joinedA = world.join({ ...wish, memberId: a!.memberId })
  for (let beat = 0; beat < 6; beat++) {
    await world.clock.advance(9_000)
    world.heartbeat(b!.memberId, 2)
  }
  t.equal(joinedA.result, undefined)
  world.join({ ...wish, memberId: b!.memberId })
  t.match(await joinedA.promise, { error: 0, generation: 3, leader: a!.memberId })
  await world.clock.advance(10_000)
  t.equal(world.state, 'none', 'answered, it has to speak again')
})

t.test('members that do not sync within the rebalance timeout are put out', async (t) => {
  const world = new GroupWorld()
  const wish = { rebalanceTimeoutMs: 8_000, sessionTimeoutMs: 30_000 }
  const a = await world.joinWithId(wish)
  const b = await world.joinWithId(wish)
  world.join({ ...wish, memberId: a.memberId })
  const joinedB = await b.promise
  const syncB = world.sync(joinedB)
  await world.clock.advance(7_999)
  t.equal(syncB.result, undefined)
  await world.clock.advance(1)
  t.equal((await syncB.promise).error, errorCodes.REBALANCE_IN_PROGRESS)
  t.equal(world.heartbeat(a.memberId, 2), errorCodes.UNKNOWN_MEMBER_ID, 'the leader never synced')
  const next = await world.join({ ...wish, memberId: b.memberId }).promise
  t.match(next, { error: 0, generation: 3, leader: b.memberId })
})

t.test(
  'a pending member holds the rebalance until it joins, leaves or its session ends',
  async (t) => {
    const world = new GroupWorld()
    const [a] = await world.stable(1)
    const leaves = await world.join().promise
    const expires = await world.join({ sessionTimeoutMs: 6_000 }).promise
    const again = world.join({ memberId: a!.memberId })
    await settle()
    t.equal(again.result, undefined)
    t.equal(world.leave(leaves.memberId), 0)
    await settle()
    t.equal(again.result, undefined)
    await world.clock.advance(6_000)
    t.match(again.result, { error: 0, generation: 2 })
    t.equal(
      (await world.join({ memberId: expires.memberId }).promise).error,
      errorCodes.UNKNOWN_MEMBER_ID
    )
  }
)

t.test('a pending member whose connection is gone holds nobody, and may come back', async (t) => {
  const world = new GroupWorld()
  const [a] = await world.stable(1)
  const connection = new AbortController()
  const pending = await world.join({ connection }).promise
  const again = world.join({ memberId: a!.memberId })
  await settle()
  t.equal(again.result, undefined)
  connection.abort()
  await settle()
  t.match(again.result, { error: 0, generation: 2 })
  world.join({ memberId: pending.memberId })
  t.equal(world.state, 'PreparingRebalance', 'its id is still good')
})

t.test(
  '150 joins whose connections vanished do not hold the group past their sessions',
  async (t) => {
    const world = new GroupWorld()
    const [a] = await world.stable(1, { rebalanceTimeoutMs: 300_000 })
    const gone = new AbortController()
    const wish = { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 300_000, connection: gone }
    for (let index = 0; index < 150; index++) await world.joinWithId(wish)
    t.equal(world.group().members.size, 151)
    gone.abort()
    const again = world.join({ memberId: a!.memberId, rebalanceTimeoutMs: 300_000 })
    await world.clock.advance(5_999)
    t.equal(again.result, undefined)
    await world.clock.advance(1)
    t.match(again.result, { error: 0, generation: 2 })
    t.equal(world.group().members.size, 1)
  }
)

t.test('a vanished join whose member never learnt its id is forgotten at once', async (t) => {
  const world = new GroupWorld()
  const [a] = await world.stable(1)
  const gone = new AbortController()
  for (let index = 0; index < 20; index++) world.join({ version: 3, connection: gone })
  await settle()
  t.equal(world.group().members.size, 21)
  gone.abort()
  t.equal(world.group().members.size, 1)
  const again = world.join({ memberId: a!.memberId })
  t.equal((await again.promise).generation, 2)
  const late = world.join({ version: 3, connection: gone })
  t.equal((await late.promise).error, errorCodes.REBALANCE_IN_PROGRESS, 'nobody is there to join')
  t.equal(world.group().members.size, 1)
})

t.test('a vanished first join with an untold id leaves the group to the others', async (t) => {
  const world = new GroupWorld()
  const [a] = await world.stable(1)
  const gone = new AbortController()
  world.join({ version: 3, connection: gone })
  const again = world.join({ version: 3 })
  gone.abort()
  await settle()
  t.equal(world.group().members.size, 2)
  const known = world.join({ memberId: a!.memberId })
  t.equal((await known.promise).generation, 2)
  t.equal((await again.promise).generation, 2)
})

t.test('a vanished sync lets the session run', async (t) => {
  const world = new GroupWorld()
  const a = await world.joinWithId()
  const b = await world.joinWithId()
  const joinedA = world.join({ memberId: a.memberId })
  const gone = new AbortController()
  world.sync(await b.promise, {}, { connection: gone })
  gone.abort()
  await world.sync(await joinedA.promise).promise
  t.equal(world.state, 'Stable')
  await world.clock.advance(9_000)
  world.heartbeat(a.memberId, 2)
  await world.clock.advance(1_000)
  t.equal(world.state, 'PreparingRebalance')
  t.notOk(world.group().members.has(b.memberId))
})

t.test('a join or sync sent again answers the older one and waits in its place', async (t) => {
  const world = new GroupWorld()
  const [a] = await world.stable(1)
  const gone = new AbortController()
  const b = await world.joinWithId({ connection: gone })
  const newer = world.join({ memberId: b.memberId })
  t.equal((await b.promise).error, errorCodes.REBALANCE_IN_PROGRESS)
  gone.abort()
  const joinedA = world.join({ memberId: a!.memberId })
  const joinedB = await newer.promise
  t.equal(joinedB.error, 0)
  const older = world.sync(joinedB)
  const newerSync = world.sync(joinedB)
  t.equal((await older.promise).error, errorCodes.REBALANCE_IN_PROGRESS)
  await world.sync(await joinedA.promise, { [b.memberId]: 'b' }).promise
  t.equal(text((await newerSync.promise).assignment), 'b')
})
