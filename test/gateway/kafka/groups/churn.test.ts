/**
 * Many members that come, leave, die, sync late and ask twice, from a seed: `SEED=123 node ...churn.test.js`. Whatever
 * happens, no promise waits for ever, an assignment reaches only its member, and a group that is left alone settles.
 */
import t, { type Test } from 'tap'
import { errorCodes } from '../../../../gateway/kafka/error-codes.ts'
import type { JoinResult, SyncResult } from '../../../../gateway/kafka/groups/membership.ts'
import { type Asked, GroupWorld, type JoinWish, settle } from './group-world.ts'

const versions = [0, 3, 5, 9]
const refusals: readonly number[] = [
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.REBALANCE_IN_PROGRESS,
  errorCodes.FENCED_INSTANCE_ID,
  errorCodes.MEMBER_ID_REQUIRED,
  errorCodes.GROUP_MAX_SIZE_REACHED
]

/** A client as clients are: joins, syncs, heartbeats, and joins again when told to. */
class Client {
  readonly name: string
  readonly wish: JoinWish
  connection = new AbortController()
  memberId = ''
  generation = -1
  assignment: string | null = null
  joining: Asked<JoinResult> | null = null
  syncing: Asked<SyncResult> | null = null
  alive = true
  readonly #world: GroupWorld
  readonly #t: Test

  constructor(world: GroupWorld, t: Test, name: string, wish: JoinWish) {
    this.#world = world
    this.#t = t
    this.name = name
    this.wish = wish
  }

  /** One step forward, as an event loop would make it. */
  step(): void {
    if (!this.alive) return
    if (this.joining !== null) this.#joined(this.joining)
    else if (this.syncing !== null) this.#synced(this.syncing)
    else if (this.assignment === null) this.join()
    else this.#beat()
  }

  join(): void {
    this.assignment = null
    this.syncing = null
    this.joining = this.#world.join({
      ...this.wish,
      memberId: this.memberId,
      connection: this.connection
    })
  }

  #joined(asked: Asked<JoinResult>): void {
    const { result } = asked
    if (result === undefined) return
    this.joining = null
    if (result.error !== 0) {
      this.#t.ok(refusals.includes(result.error), `join: ${result.error}`)
      if (result.error === errorCodes.MEMBER_ID_REQUIRED) this.memberId = result.memberId
      else if (result.error !== errorCodes.REBALANCE_IN_PROGRESS) this.memberId = ''
      return
    }
    this.memberId = result.memberId
    this.generation = result.generation
    const leads = result.leader === result.memberId && !result.skipAssignment
    const assignments = leads
      ? result.members.map((member) => [member.memberId, `${member.memberId}@${result.generation}`])
      : []
    this.syncing = this.#world.sync(result, Object.fromEntries(assignments), {
      instanceId: this.wish.instanceId ?? null,
      connection: this.connection
    })
  }

  #synced(asked: Asked<SyncResult>): void {
    const { result } = asked
    if (result === undefined) return
    this.syncing = null
    if (result.error !== 0) {
      this.#t.ok(refusals.includes(result.error), `sync: ${result.error}`)
      this.#refused(result.error)
      return
    }
    this.assignment = result.assignment.toString()
  }

  #beat(): void {
    const error = this.#world.heartbeat(
      this.memberId,
      this.generation,
      this.wish.instanceId ?? null
    )
    if (error === 0) return
    this.#t.ok(refusals.includes(error), `heartbeat: ${error}`)
    this.assignment = null
    this.#refused(error)
  }

  #refused(error: number): void {
    if (error !== errorCodes.REBALANCE_IN_PROGRESS && error !== errorCodes.ILLEGAL_GENERATION) {
      this.memberId = ''
    }
  }

  /** The connection breaks; the client knows nothing of what it had asked. */
  disconnect(): void {
    this.connection.abort()
    this.connection = new AbortController()
    this.joining = null
    this.syncing = null
  }

  die(): void {
    this.alive = false
    this.connection.abort()
  }

  leave(): void {
    this.alive = false
    if (this.memberId !== '') this.#world.leave(this.memberId, this.wish.instanceId ?? null)
    this.connection.abort()
  }
}

function randomClient(world: GroupWorld, t: Test, number: number): Client {
  const { random } = world
  const isStatic = random.integer(4) === 0
  return new Client(world, t, `c${number}`, {
    clientId: `c${number}`,
    instanceId: isStatic ? `i${random.integer(4)}` : null,
    version: isStatic ? 9 : (versions[random.integer(versions.length)] ?? 9),
    sessionTimeoutMs: 6_000 + random.integer(6_000),
    rebalanceTimeoutMs: 1_000 + random.integer(20_000),
    protocols: [
      ['range', `${random.integer(3)}`],
      ['sticky', 's']
    ].slice(0, 1 + random.integer(2)) as [string, string][]
  })
}

async function churn(world: GroupWorld, t: Test, steps: number): Promise<Client[]> {
  const { random } = world
  const clients: Client[] = []
  let born = 0
  for (let step = 0; step < steps; step++) {
    const one = clients[random.integer(Math.max(clients.length, 1))]
    const dice = random.integer(100)
    if (dice < 8 && clients.filter(({ alive }) => alive).length < 12) {
      clients.push(randomClient(world, t, born++))
    } else if (dice < 10) one?.leave()
    else if (dice < 12) one?.die()
    else if (dice < 15) one?.disconnect()
    else if (dice < 17 && one?.alive && one.joining === null) one.join()
    else if (dice < 25) await world.clock.advance(random.integer(3_000))
    else one?.step()
    await settle()
    checkGroup(world, t)
  }
  return clients
}

function checkGroup(world: GroupWorld, t: Test): void {
  const group = world.coordinator.find('g')
  if (group === undefined) return
  let bytes = 0
  for (const [id, member] of group.members) {
    bytes += member.bytes
    if (member.id !== id) t.fail(`member ${id} is kept as ${member.id}`)
    if (member.joining !== null && group.state !== 'PreparingRebalance') {
      t.fail(`${id} waits to join a group in ${group.state}`)
    }
    if (member.syncing !== null && group.state !== 'CompletingRebalance') {
      t.fail(`${id} waits for an assignment in ${group.state}`)
    }
  }
  if (group.bytes !== bytes) t.fail(`${group.bytes} bytes are counted, ${bytes} are there`)
  if ((group.members.size === 0) !== (group.leaderId === null)) t.fail('the leader is no member')
  if (group.leaderId !== null && !group.members.has(group.leaderId)) t.fail('the leader is gone')
}

const first = Number(process.env.SEED ?? 1)
const count = process.env.SEED === undefined ? 40 : 1

for (let seed = first; seed < first + count; seed++) {
  t.test(`seed ${seed}: churn ends in one generation that everybody shares`, async (t) => {
    const delayed = seed % 3 === 0
    const world = new GroupWorld(delayed ? { initialRebalanceDelayMs: 2_000 } : {}, seed)
    const clients = await churn(world, t, 600)

    // Nobody comes or goes any more; heartbeats every 2 s, for longer than the longest session. Clients that claim
    // one instance id would put each other out for ever: one stays.
    const claimed = new Set<string>()
    for (const client of clients.filter(({ alive }) => alive)) {
      const { instanceId } = client.wish
      if (instanceId == null) continue
      if (claimed.has(instanceId)) client.die()
      claimed.add(instanceId)
    }
    let settledRounds = 0
    for (let round = 0; round < 90 && settledRounds < 8; round++) {
      for (let turn = 0; turn < 4; turn++) {
        for (const client of clients) client.step()
        await settle()
      }
      await world.clock.advance(2_000)
      const isSettled = world.state === 'Stable' || world.state === 'none'
      settledRounds = isSettled ? settledRounds + 1 : 0
    }
    const living = clients.filter(({ alive }) => alive)
    t.equal(settledRounds, 8, `it is ${world.state} with ${living.length} clients`)
    const group = world.coordinator.find('g')
    for (const client of living) {
      t.ok(group?.members.has(client.memberId), `${client.name} is a member`)
      t.equal(client.generation, group?.generation, `${client.name} has the generation`)
      t.match(client.assignment, new RegExp(`^${client.memberId}@`), 'it has its own assignment')
    }
    for (const id of group?.members.keys() ?? []) {
      t.ok(
        living.some(({ memberId }) => memberId === id),
        `${id} is somebody's`
      )
    }
    for (const client of living) client.leave()
    await world.clock.advance(1_900_000)
    t.equal(world.state, 'none')
    t.equal(world.clock.timers, 0, 'no timer is left')
    const forgotten = world.asked.filter(({ result }) => result === undefined)
    t.equal(forgotten.length, 0, 'nothing waits for ever')
  })
}
