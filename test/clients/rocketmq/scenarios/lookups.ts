/** Messages looked up by key and id; groups' places given anew; consumers asked through the server. */
import type { Test } from 'tap'
import {
  bodies,
  numbered,
  type OwnStage,
  repeatUntil,
  type Scenario,
  type Stage
} from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  { name: 'messages are found by key, by unique key and by message id', run: lookups },
  { name: "Kafka's records are found by key and by unique key", own: true, run: kafkaLookups },
  { name: 'the places of a group are given anew while nobody is online', run: resetOffline },
  { name: 'a consumer goes back where its group was reset to', run: resetOnline },
  { name: 'consumers are asked through the server', run: asked }
]

interface Found {
  readonly topic: string
  readonly queue: number
  readonly offset: number
  readonly uniqueKey: string
  readonly storedMs: number
  readonly body: string
}

const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }

function textsOf(found: unknown): string[] {
  return (found as Found[]).map(({ body }) => Buffer.from(body, 'base64').toString()).sort()
}

async function lookups(t: Test, { another, name }: Stage): Promise<void> {
  const [driver, topic] = [another(), name('looked-up')]
  const key = name('k')
  const sent = await driver.send(topic, [
    { body: Buffer.from('one'), keys: `${key}-red ${key}-green` },
    { body: Buffer.from('two'), keys: `${key}-green` },
    { body: Buffer.alloc(50_000, 'compressible '), keys: `${key}-large` }
  ])
  const byKey = (of: string, more: object = {}) =>
    driver.ask('Lookups.byKey', { topic, key: `${key}-${of}`, count: 32, ...ever, ...more })
  // A real broker's index is a moment late.
  let isIndexed = false
  await repeatUntil(
    () => isIndexed,
    async () => {
      isIndexed = textsOf(await byKey('large')).length > 0
    }
  )
  t.same(textsOf(await byKey('green')), ['one', 'two'])
  t.same(textsOf(await byKey('red')), ['one'])
  t.equal(textsOf(await byKey('large'))[0]?.length, 50_000, 'inflated by the client')
  t.same(textsOf(await byKey('blue')), [])
  t.same(textsOf(await byKey('green', { to: 1000 })), [], 'not stored so long ago')
  for (const [i, text] of ['one', 'two'].entries()) {
    const { uniqueKey, offsetId, queue, offset } = sent[i] ?? { uniqueKey: '', offsetId: '' }
    for (const msgId of [uniqueKey, offsetId]) {
      const found = (await driver.ask('Lookups.byId', { topic, msgId })) as Found
      t.match(found, { topic, queue, offset, uniqueKey })
      t.same(textsOf([found]), [text])
    }
  }
  const nowhere = `${sent[0]?.offsetId.slice(0, -12)}00000F00BA12`
  await t.rejects(driver.ask('Lookups.byId', { topic, msgId: nowhere }))
}

async function kafkaLookups(t: Test, { another, kafka, name }: OwnStage): Promise<void> {
  const [driver, topic] = [another(), name('looked-up-kafka')]
  const admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const messages = ['a', 'b', 'a'].map((key, i) => ({ partition: i % 2, key, value: `${key}${i}` }))
  await producer.send({ topic, compression: 1, messages })
  await producer.disconnect()
  const found = (await driver.ask('Lookups.byKey', {
    topic,
    key: 'a',
    count: 32,
    ...ever
  })) as Found[]
  t.same(textsOf(found), ['a0', 'a2'])
  const msgId = found[0]?.uniqueKey
  const again = (await driver.ask('Lookups.byId', { topic, msgId })) as Found
  t.match(again, { queue: found[0]?.queue, offset: found[0]?.offset, body: found[0]?.body })
}

/** Sends ten, waits, sends ten more; resolves with a time between the two. */
async function sendTwice(stage: Stage, topic: string): Promise<number> {
  const driver = stage.another()
  const queues = <T>(all: readonly T[]) => all.map((one) => ({ ...one, queue: 0 }))
  await driver.send(topic, queues(numbered(10, 'early')))
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const between = Date.now() - 500
  await driver.send(topic, queues(numbered(10, 'late')))
  return between
}

async function resetOffline(t: Test, stage: Stage): Promise<void> {
  const { another, name } = stage
  const [topic, group] = [name('reset-offline'), name('reset-offline-group')]
  const between = await sendTwice(stage, topic)
  const first = another()
  await first.consume({ group, topic })
  await first.until('all were given', () => first.given.length >= 20)
  await first.stop()
  const table = await first.ask('Lookups.resetByTime', { topic, group, timestamp: between })
  t.match(table, { 0: 10 })
  const clone = name('reset-clone')
  await first.ask('Lookups.clonePlaces', { from: group, to: clone, topic })
  for (const of of [group, clone]) {
    const after = another()
    await after.consume({ group: of, topic })
    await after.until('the late ones were given again', () => after.given.length >= 10)
    await after.stop()
    t.same(bodies(after.given), bodies(numbered(10, 'late')))
  }
}

async function resetOnline(t: Test, stage: Stage): Promise<void> {
  const [topic, group] = [stage.name('reset-online'), stage.name('reset-online-group')]
  const between = await sendTwice(stage, topic)
  const driver = stage.another()
  await driver.consume({ group, topic })
  await driver.until('all were given', () => driver.given.length >= 20)
  await driver.ask('Lookups.resetByTime', { topic, group, timestamp: between })
  // Client 4.9 waits for 10 s before it goes on from another place, and may wait for its next round.
  await driver.until('the late ones were given again', () => driver.given.length >= 30, 45_000)
  t.same(bodies(driver.given.slice(20)), bodies(numbered(10, 'late')))
}

async function asked(t: Test, { another, name }: Stage): Promise<void> {
  const [driver, topic, group] = [another(), name('asked'), name('asked-group')]
  const [sent] = await driver.send(topic, [{ body: Buffer.from('one'), queue: 0 }])
  await driver.consume({ group, topic })
  await driver.until('it was given', () => driver.given.length >= 1)
  const running = (await driver.ask('Lookups.running', { group })) as { topics: string[] }
  t.match(running, { type: 'CONSUME_PASSIVELY', hasStacks: true })
  t.same([...running.topics].sort(), [`%RETRY%${group}`, topic])
  // Its place moves on when its listener has returned, which is after what it told.
  let status: Record<number, number>[] = []
  const isThere = () => status[0]?.[0] === 1
  await repeatUntil(isThere, async () => {
    status = Object.values((await driver.ask('Lookups.status', { topic, group })) as object)
  })
  t.match(status, [{ 0: 1 }])
  const { offsetId: msgId } = sent ?? { offsetId: '' }
  t.same(await driver.ask('Lookups.consumeDirectly', { group, topic, msgId }), {
    result: 'CR_SUCCESS'
  })
  await driver.until('it was given again', () => driver.given.length >= 2)
  t.same(bodies(driver.given), ['one', 'one'])
  await t.rejects(driver.ask('Lookups.running', { group, client: 'nobody' }), {
    message: new RegExp(`The Consumer <${group}> <nobody> not online`)
  })
}
