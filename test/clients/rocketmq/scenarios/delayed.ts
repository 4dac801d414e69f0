/** Messages that come later. Passed by RocketMQ 5.3.3 too, but for what says `own`. */
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import type { GivenMessage, RocketmqDriver, SendResult } from '../driver.ts'
import { kafkaConsume } from '../kafka-consume.ts'
import {
  bodies,
  everyLanguage,
  numbered,
  type OwnStage,
  type Scenario,
  type Stage
} from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'messages with delay levels come when these are over, once each',
    languages: everyLanguage,
    run: levels
  },
  { name: 'timer messages come at their time, once each', since: 5, run: timers },
  {
    name: 'timer messages come to the millisecond, never before',
    since: 5,
    own: true,
    run: timersToTheMillisecond
  },
  {
    name: 'a timer message that is recalled is not delivered',
    since: 5,
    run: recalled
  },
  {
    name: 'messages that wait while the server is killed come once each, none before its time',
    own: true,
    run: overKills
  },
  { name: 'Kafka gets a delayed message when it is delivered', own: true, run: toKafka }
]

/** How much later a busy machine may give a message. */
const lateMsMax = 15_000
/** A message that comes twice does so within it. */
const againMs = 1500

interface TimedMessage {
  readonly body: Buffer
  readonly delaySec?: number
  readonly delayMs?: number
  readonly deliverMs?: number
}

type TimedResult = SendResult & { readonly recallHandle: string | null }

function sendTimed(
  driver: RocketmqDriver,
  topic: string,
  messages: readonly TimedMessage[]
): Promise<TimedResult[]> {
  const coded = messages.map((one) => ({ ...one, body: one.body.toString('base64') }))
  return driver.ask('Timed.send', { topic, messages: coded }) as Promise<TimedResult[]>
}

/** Waits until so many were given, and a while for more than that. */
async function allOf(driver: RocketmqDriver, count: number): Promise<readonly GivenMessage[]> {
  await driver.until(`${count} were given`, () => driver.given.length >= count)
  await setTimeout(againMs)
  return driver.given
}

async function levels(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('levels'), name('levels-group')]
  const driver = another()
  await driver.send(topic, numbered(1, 'at once'))
  await driver.consume({ group, topic })
  await driver.until('the first was given', () => driver.given.length === 1)
  const waits = new Map([
    [1, 1000],
    [2, 5000]
  ])
  const sentMs = new Map<string, number>()
  const wanted = ['at once0']
  for (const delayLevel of waits.keys()) {
    for (const { body } of numbered(10, `level${delayLevel}-`)) {
      sentMs.set(`${body}`, Date.now())
      wanted.push(`${body}`)
      const [result] = await driver.send(topic, [{ body, delayLevel, tag: 'later' }])
      t.equal(result?.status, 'SEND_OK')
    }
  }
  const given = await allOf(driver, wanted.length)
  t.same(bodies(given), wanted.sort())
  for (const message of given) {
    const sent = sentMs.get(`${message.body}`)
    if (sent === undefined) continue
    const level = Number(message.properties.DELAY)
    const waited = message.givenMs - sent
    const due = waits.get(level) ?? Number.NaN
    t.ok(waited >= due && waited < due + lateMsMax, `${message.body} after ${waited} ms`)
    t.match(message.properties, { TAGS: 'later', REAL_TOPIC: topic })
    t.equal(message.properties.REAL_QID, `${message.queue}`)
    t.ok(message.storedMs >= message.bornMs + due, 'stored when it was delivered')
  }
}

/** One message for each way to say when; told with when each is due, as near as its sender knows. */
async function sendEachWay(driver: RocketmqDriver, topic: string) {
  const now = Date.now()
  const messages = [
    { body: Buffer.from('sec'), delaySec: 3 },
    { body: Buffer.from('ms'), delayMs: 2345 },
    { body: Buffer.from('at'), deliverMs: now + 2750 },
    { body: Buffer.from('over'), deliverMs: now - 1000 }
  ]
  const dueMs = new Map<string, number>()
  const results: TimedResult[] = []
  for (const message of messages) {
    const { delaySec = 0, delayMs = 0, deliverMs } = message as TimedMessage
    dueMs.set(`${message.body}`, deliverMs ?? Date.now() + delaySec * 1000 + delayMs)
    results.push(...(await sendTimed(driver, topic, [message])))
  }
  return { dueMs, results }
}

async function timers(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('timed'), name('timed-group')]
  const driver = another()
  await driver.send(topic, numbered(1, 'first'))
  await driver.consume({ group, topic })
  const { dueMs, results } = await sendEachWay(driver, topic)
  t.same(
    results.map(({ recallHandle }) => recallHandle !== null),
    [true, true, true, false]
  )
  const given = await allOf(driver, 5)
  t.same(bodies(given), ['at', 'first0', 'ms', 'over', 'sec'])
  for (const { body, givenMs, properties } of given) {
    const due = dueMs.get(`${body}`)
    if (due === undefined) continue
    // A real one lets go up to a second before.
    const late = givenMs - due
    t.ok(
      late > -1000 && (body.toString() === 'over' || late < lateMsMax),
      `${body} ${late} ms late`
    )
    const isWaiting = body.toString() !== 'over'
    t.equal(properties.TIMER_OUT_MS !== undefined, isWaiting)
    t.equal(properties.REAL_TOPIC, isWaiting ? topic : undefined)
    t.equal(properties.TIMER_ENQUEUE_MS !== undefined, isWaiting)
    t.equal(properties.TIMER_DEQUEUE_MS !== undefined, isWaiting)
  }
}

/** A busy machine may be late as a whole; one that is late every time has a clock that ticks by the second. */
const exactRounds = 10

async function timersToTheMillisecond(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('exact'), name('exact-group')]
  const driver = another()
  await driver.send(topic, numbered(1, 'first'))
  await driver.consume({ group, topic })
  const wanted = ['first0']
  const rounds: number[][] = []
  for (let round = 0; round < exactRounds; round++) {
    const now = Date.now()
    const dues = Array.from({ length: 40 }, (_, i) => now + 1500 + i * 37)
    wanted.push(...dues.map(String))
    await sendTimed(
      driver,
      topic,
      dues.map((deliverMs) => ({ body: Buffer.from(`${deliverMs}`), deliverMs }))
    )
    const all = await allOf(driver, wanted.length)
    // Listeners run side by side: what came first need not be told first.
    const given = all.filter(({ body }) => dues.includes(Number(body.toString())))
    t.same(bodies(driver.given), [...wanted].sort())
    const lates = given.map(({ body, storedMs }) => storedMs - Number(body.toString()))
    t.ok(Math.min(...lates) >= 0, `none is early: ${lates}`)
    lates.sort((a, b) => a - b)
    rounds.push(lates)
    if ((lates[lates.length >> 1] ?? 1e9) < 100) return
  }
  t.fail(`most are late: ${JSON.stringify(rounds)}`)
}

async function recalled(t: Test, { another, name }: Stage): Promise<void> {
  const [topic, group] = [name('recalled'), name('recalled-group')]
  const driver = another()
  await driver.send(topic, numbered(1, 'first'))
  await driver.consume({ group, topic })
  // A real one takes what is due within a second or two as delivered.
  const messages = ['a', 'b', 'c'].map((text) => ({ body: Buffer.from(text), delayMs: 10_000 }))
  const [, b] = await sendTimed(driver, topic, messages)
  const handle = b?.recallHandle
  t.same(await driver.ask('Timed.recall', { topic, handle }), { uniqueKey: b?.uniqueKey })
  const given = await allOf(driver, 3)
  t.same(bodies(given), ['a', 'c', 'first0'])
  await t.rejects(driver.ask('Timed.recall', { topic, handle }), /recall failed|CODE/)
}

async function overKills(t: Test, { another, name, server }: OwnStage): Promise<void> {
  const [topic, group] = [name('kept'), name('kept-group')]
  const driver = another()
  const sent = numbered(50, 'waits')
  const sentMs = Date.now()
  await driver.send(
    topic,
    sent.map((one) => ({ ...one, delayLevel: 2 }))
  )
  const lastMs = Date.now()
  await server.restart('SIGKILL')
  const consumer = another()
  await consumer.consume({ group, topic })
  // In the middle of them, as near as one can be.
  await setTimeout(Math.max(0, (sentMs + lastMs) / 2 + 5000 - Date.now()))
  await server.restart('SIGKILL')
  const given = await allOf(consumer, sent.length)
  const once = new Map(given.map((one) => [`${one.queue}/${one.offset}`, one]))
  // What it had when the server was killed, a consumer may be given again: the same messages at the same offsets.
  t.same(bodies([...once.values()]), bodies(sent), 'each was delivered once')
  for (const { body, storedMs } of once.values())
    if (storedMs < sentMs + 5000) t.fail(`${body} was early`)
  const first = Math.min(...given.map(({ givenMs }) => givenMs))
  t.ok(first >= sentMs + 5000, `the first came ${first - sentMs} ms after the sends`)
}

async function toKafka(t: Test, { another, name, kafka }: OwnStage): Promise<void> {
  const topic = name('delayed-to-kafka')
  const driver = another()
  const sentMs = Date.now()
  await driver.send(topic, [
    { body: Buffer.from('later'), keys: 'k', delayLevel: 1 },
    { body: Buffer.from('now') }
  ])
  const { all, consumer } = await kafkaConsume(
    kafka,
    name('delayed-to-kafka-group'),
    topic,
    (all) => all.length >= 2
  )
  const gotMs = Date.now()
  await consumer.disconnect()
  const later = all.find(({ value }) => value.toString() === 'later')
  t.ok(gotMs >= sentMs + 1000)
  t.equal(later?.key, 'k')
  t.match(later?.headers, { DELAY: '1', REAL_TOPIC: topic })
  const admin = kafka.admin()
  await admin.connect()
  const hidden = (await admin.listTopics()).filter((one) => one.startsWith('rmq.sys'))
  await admin.disconnect()
  t.same(hidden, [])
}
