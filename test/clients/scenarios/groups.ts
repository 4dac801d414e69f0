import type { Test } from 'tap'
import { expected, got, withoutRepeats } from '../compare.ts'
import { type Driver, waitUntil } from '../driver.ts'
import { makeRecords, partitionCount } from '../records.ts'
import type { OffsetOf, WireRecord } from '../wire.ts'
import type { ScenarioContext } from './context.ts'

/** Apache Kafka's lower bound, so that a dead member is missed soon. */
const sessionTimeoutMs = 6000
const all = Array.from({ length: partitionCount }, (_, p) => p)

/** Sends records and waits until the members were given and committed all of them. */
class GroupRun {
  readonly sent: WireRecord[] = []
  /** What any member was given, in the order told. */
  readonly given: WireRecord[] = []
  readonly acknowledged: OffsetOf = {}
  readonly #members: Driver[] = []
  readonly topic: string
  readonly group: string
  readonly #context: ScenarioContext

  constructor(context: ScenarioContext, name: string) {
    this.#context = context
    this.topic = context.name(name)
    this.group = context.name(`${name}-group`)
  }

  async start(): Promise<void> {
    await this.#context.driver.ask('create-topic', {
      topic: this.topic,
      partitions: partitionCount
    })
  }

  get ends(): OffsetOf {
    return Object.fromEntries(
      all.map((p) => [p, this.sent.filter((record) => record.partition === p).length])
    )
  }

  async send(count: number): Promise<void> {
    const records = makeRecords(this.#context.random, this.#context.client.traits, count)
    await this.#context.driver.ask('produce', { topic: this.topic, codec: 'none', records })
    this.sent.push(...records)
  }

  async join(member: Driver = this.#context.another()): Promise<Driver> {
    const { topic, group } = this
    member.given = this.given
    member.acknowledged = this.acknowledged
    this.#members.push(member)
    await member.ask('join', { topic, group, sessionTimeoutMs })
    return member
  }

  /** Until `members` own all partitions between them, each at least one, and none owned twice. */
  async shared(...members: Driver[]): Promise<void> {
    await waitUntil(members, `${members.length} members share the partitions`, () => {
      const owned = members.flatMap((member) => member.owned).sort((a, b) => a - b)
      return owned.join() === all.join() && members.every((member) => member.owned.length > 0)
    })
  }

  /** Until the acknowledged commits are at the ends. */
  async drained(...members: Driver[]): Promise<void> {
    await waitUntil(members, `everything is committed: ${JSON.stringify(this.ends)}`, () =>
      all.every((p) => this.acknowledged[p] === this.ends[p])
    )
  }

  /** Each record was given once, to one member, with its content, in order. */
  check(t: Test, what: string): void {
    const { givesAgain } = this.#context.client
    this.#compare(t, givesAgain ? withoutRepeats(this.given) : this.given, what)
  }

  /**
   * The same, but that a record may be given again unless its commit was acknowledged: a commit on its way when the
   * server dies is lost.
   */
  checkAfterKill(t: Test, what: string): void {
    this.#compare(t, withoutRepeats(this.given), what)
    if (this.#context.client.givesAgain) return
    const again = this.#members.flatMap((member) => member.givenAfterCommit)
    t.same(again, [], `${what}: nothing that was committed is given again`)
  }

  #compare(t: Test, given: WireRecord[], what: string): void {
    const { traits } = this.#context.client
    t.same(got(given, traits), expected(this.sent, traits), what)
  }

  async committed(t: Test, what: string): Promise<void> {
    if (!this.#context.client.admin) return
    const { topic, group } = this
    const { offsets } = await this.#context.driver.ask('committed', { topic, group })
    t.same(offsets, this.ends, what)
  }
}

export async function twoMembersShareATopic(t: Test, c: ScenarioContext): Promise<void> {
  const run = new GroupRun(c, 'share')
  await run.start()
  await run.send(20)
  const one = await run.join()
  await run.shared(one)
  const two = await run.join()
  await run.drained(one, two)
  await run.shared(one, two)
  await run.send(40)
  await run.drained(one, two)
  run.check(t, 'each record went to one member, once, in order')
  t.ok(two.givenCount > 0, 'the second member got its share')

  await two.ask('leave', {})
  await run.shared(one)
  await run.send(20)
  await run.drained(one, two)
  run.check(t, 'after one left, the other gets everything')

  const three = await run.join()
  await run.shared(one, three)
  await three.kill()
  await run.shared(one)
  await run.send(20)
  await run.drained(one, two, three)
  run.check(t, 'after one died, the other gets everything')
  await one.ask('leave', {})
  await run.committed(t, 'the offsets are committed')

  await run.send(12)
  const four = await run.join()
  await run.drained(four)
  run.check(t, 'a later member goes on where the group was')
  await four.ask('leave', {})
  await run.committed(t, 'and commits')
}

export async function offsetsOutliveTheServer(t: Test, c: ScenarioContext): Promise<void> {
  if (!c.server.restart) {
    t.pass('SKIPPED: the server is not ours to stop')
    return
  }
  const run = new GroupRun(c, 'outlive')
  await run.start()
  await run.send(24)
  const first = await run.join()
  await run.drained(first)
  await first.ask('leave', {})

  await c.server.restart('SIGTERM')
  await run.committed(t, 'committed offsets after a stop')
  await run.send(16)
  const second = await run.join()
  await run.drained(second)
  run.check(t, 'after a stop the group goes on where it was')

  // This member lives through the kill and goes on.
  await c.server.restart('SIGKILL')
  await run.committed(t, 'committed offsets after kill -9')
  await run.send(20)
  await run.drained(second)
  run.checkAfterKill(t, 'after kill -9 the member goes on where it was')
  await second.ask('leave', {})
  await c.server.restart('SIGKILL')
  const third = await run.join()
  await run.shared(third)
  await run.send(8)
  await run.drained(third)
  run.checkAfterKill(t, 'after another kill a new member goes on')
  await third.ask('leave', {})
}

export async function aRemadeTopicIsNew(t: Test, c: ScenarioContext): Promise<void> {
  const { traits } = c.client
  const old = new GroupRun(c, 'remade')
  const { topic, group } = old
  await old.start()
  await old.send(32)
  const member = await old.join()
  await old.drained(member)
  await member.ask('leave', {})
  await old.committed(t, 'committed before the deletion')

  await c.driver.ask('delete-topic', { topic })
  await eventually(async () => {
    const { topics } = await c.driver.ask('list-topics', {})
    return !topics.includes(topic)
  })
  await c.driver.ask('create-topic', { topic, partitions: partitionCount })
  // Apache Kafka answers before the topic can be used, and some clients do not try again by themselves.
  await eventually(async () => {
    const answer = await c.driver.ask('end-offsets', { topic }).catch(() => undefined)
    return answer !== undefined
  })
  const none = { 0: -1, 1: -1, 2: -1, 3: -1 }
  const { offsets: committed } = await c.driver.ask('committed', { topic, group })
  t.same(committed, none, 'the group has no offsets in it')
  const { offsets: ends } = await c.driver.ask('end-offsets', { topic })
  t.same(ends, { 0: 0, 1: 0, 2: 0, 3: 0 }, 'it is empty')

  // A producer and a reader that never saw the old one.
  const fresh = c.another()
  const records = makeRecords(c.random, traits, 12)
  const { offsets } = await fresh.ask('produce', { topic, codec: 'none', records })
  t.same(offsets, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2], 'offsets start at 0')
  const again = await fresh.ask('open', { topic, from: 'beginning' })
  t.same(again.positions, { 0: 0, 1: 0, 2: 0, 3: 0 }, 'a reader starts at 0')
  const { records: read } = await fresh.ask('take', { count: 12, timeoutMs: 20_000 })
  await fresh.ask('close', {})
  t.same(got(read, traits), expected(records, traits), 'only the new records are there')

  const resumed = c.another()
  await resumed.ask('join', { topic, group, sessionTimeoutMs })
  await waitUntil([resumed], 'the old group reads the new topic', () => resumed.givenCount >= 12)
  t.same(got(resumed.given, traits), expected(records, traits), 'the old group starts at 0')
  await resumed.ask('leave', {})
}

const eventuallyTries = 100

/** Asks again until `is` holds; each try is a round trip to the server, then a short pause. */
async function eventually(is: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < eventuallyTries; i++) {
    if (await is()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('it never came to be')
}
