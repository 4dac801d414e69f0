/**
 * What a consumer could not consume: it comes again, later each time, until it is given up. Passed by RocketMQ 5.3.3
 * too, but for what needs a server of ours.
 */
import type { Kafka } from 'kafkajs'
import type { Test } from 'tap'
import type { ConsumeOptions, GivenMessage, RocketmqDriver } from '../driver.ts'
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
    name: 'what fails comes again, after as long as was said and no earlier',
    languages: everyLanguage,
    run: comesAgain
  },
  { name: 'what fails too often is a dead letter, and can be consumed', run: deadLetters },
  { name: 'an orderly consumer that fails holds its queue up, then gives up', run: orderly },
  {
    name: 'what cannot be sent back its consumer sends again itself',
    own: true,
    run: byItself
  },
  {
    name: 'what waits to come again comes once after the server was killed',
    own: true,
    run: killed
  },
  { name: 'Kafka consumes dead letters and what comes again', own: true, run: forKafka }
]

interface FailingOptions extends ConsumeOptions {
  /** How often a message fails. */
  readonly failures: number
  /** How late it comes again; 0, or absent, for the server's choice. */
  readonly level?: number
  /** How often it may come again. */
  readonly most?: number
  readonly suspendMs?: number
  /** How long it takes to fail. */
  readonly takesMs?: number
}

async function failing(driver: RocketmqDriver, options: FailingOptions): Promise<void> {
  await driver.ask('Retries.start', options)
}

/** A consumer that is there before its topic looks for it every 20 s only. */
async function untilThere(driver: RocketmqDriver, topic: string): Promise<void> {
  const deadlineMs = Date.now() + patienceMs
  for (;;) {
    try {
      await driver.ask('Settings.topicOf', { topic })
      return
    } catch (error) {
      if (Date.now() > deadlineMs) throw error
    }
  }
}

/** A consumer whose retry topic is not there when it starts looks for it 20 s later. */
async function makeRetryTopic(driver: RocketmqDriver, group: string): Promise<void> {
  const settings = { topicName: `%RETRY%${group}`, readQueueNums: 1, writeQueueNums: 1, perm: 6 }
  await driver.ask('Settings.topic', { settings })
}

async function untilKafkaSees(kafka: Kafka, topic: string): Promise<void> {
  const deadlineMs = Date.now() + patienceMs
  const admin = kafka.admin()
  await admin.connect()
  while (!(await admin.listTopics()).includes(topic)) {
    if (Date.now() > deadlineMs) throw new Error(`no ${topic} in time`)
  }
  await admin.disconnect()
}

function withBody(driver: RocketmqDriver, body: string): GivenMessage[] {
  return driver.given.filter((one) => one.body.toString() === body)
}

/** How long after a delivery the next copy was stored: the server's clock, and the driver's, are this machine's. */
function pausesMs(given: readonly GivenMessage[]): number[] {
  return given.slice(1).map(({ storedMs }, i) => storedMs - (given[i]?.givenMs ?? 0))
}

/** A real server's clock of delay levels ticks by the tenth of a second; machines that test are slow and busy. */
const lateMsMax = 15_000
const patienceMs = 60_000

async function comesAgain(t: Test, { another, name }: Stage): Promise<void> {
  const [driver, slow] = [another(), another()]
  const [topic, group] = [name('retry-again'), name('retry-again-group')]
  const [sent] = await driver.send(topic, [
    { body: Buffer.from('bad'), tag: 'A', keys: 'k', properties: { colour: 'red' } }
  ])
  await driver.send(topic, [{ body: Buffer.from('good') }])
  await failing(slow, { group: name('retry-again-slow'), topic, failures: 1 })
  await failing(driver, { group, topic, failures: 2, level: 1 })
  await driver.until('it was given three times', () => withBody(driver, 'bad').length >= 3)
  const given = withBody(driver, 'bad')
  t.same(
    given.map(({ reconsumeTimes }) => reconsumeTimes),
    [0, 1, 2]
  )
  for (const pause of pausesMs(given)) {
    t.ok(pause >= 1000 && pause <= 1000 + lateMsMax, `${pause} ms later, of 1 s`)
  }
  for (const copy of given.slice(1)) {
    t.match(copy, { topic, uniqueKey: sent?.uniqueKey, bornMs: given[0]?.bornMs })
    t.match(copy.properties, { TAGS: 'A', KEYS: 'k', colour: 'red', RETRY_TOPIC: topic })
    t.equal(copy.properties.ORIGIN_MESSAGE_ID, sent?.offsetId)
    t.equal(copy.properties.DELAY, '1')
    t.equal(copy.properties.REAL_TOPIC, `%RETRY%${group}`)
  }
  t.equal(withBody(driver, 'good').length, 1, 'what was consumed does not come again')
  await slow.until('the server chose 10 s', () => withBody(slow, 'bad').length >= 2)
  const [pause = 0] = pausesMs(withBody(slow, 'bad'))
  t.ok(pause >= 10_000 && pause <= 10_000 + lateMsMax, `${pause} ms later, of 10 s`)
  t.equal(withBody(driver, 'bad').length, 3, 'and not a fourth time')
}

async function deadLetters(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const [topic, group] = [name('retry-dying'), name('retry-dying-group')]
  const [sent] = await driver.send(topic, [{ body: Buffer.from('bad'), keys: 'k' }])
  await makeRetryTopic(driver, group)
  await failing(driver, { group, topic, failures: 99, level: 1, most: 2 })
  await driver.until('it was given three times', () => driver.given.length >= 3)
  const reader = another()
  const dead = `%DLQ%${group}`
  await untilThere(reader, dead)
  await reader.consume({ group: name('retry-dying-reader'), topic: dead })
  await reader.until('the dead letter was given', () => reader.given.length > 0)
  t.same(bodies(reader.given), ['bad'])
  const [letter] = reader.given
  t.match(letter, { topic: dead, reconsumeTimes: 3, uniqueKey: sent?.uniqueKey })
  t.match(letter?.properties, { KEYS: 'k', RETRY_TOPIC: topic, DELAY: '0' })
  t.equal(letter?.properties.ORIGIN_MESSAGE_ID, sent?.offsetId)
  t.same(
    driver.given.map(({ reconsumeTimes }) => reconsumeTimes),
    [0, 1, 2],
    'it came as often as it may, and no more'
  )
}

/** A message of a deleted topic is found no more; a real broker still finds it in its log. */
async function byItself(t: Test, { another, name }: OwnStage): Promise<void> {
  const driver = another()
  const [topic, group] = [name('retry-gone'), name('retry-gone-group')]
  const [sent] = await driver.send(topic, [{ body: Buffer.from('bad'), keys: 'k' }])
  await failing(driver, { group, topic, failures: 1, takesMs: 3000 })
  await driver.until('it was given', () => driver.given.length > 0)
  await driver.ask('Settings.deleteTopic', { topic })
  await driver.until('it came again', () => driver.given.length > 1)
  const [first, again] = driver.given
  const match = { topic, reconsumeTimes: 1, uniqueKey: sent?.uniqueKey, body: first?.body }
  t.match(again, match)
  t.match(again?.properties, { KEYS: 'k', RETRY_TOPIC: topic, DELAY: '3' })
  t.notOk(again?.properties.ORIGIN_MESSAGE_ID, 'the client forgets it: the copy is its own')
  const [pause = 0] = pausesMs(driver.given)
  t.ok(pause >= 13_000 && pause <= 13_000 + lateMsMax, `${pause} ms later, of 3 s and 10 s`)
}

async function orderly(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const [topic, group] = [name('retry-in-order'), name('retry-in-order-group')]
  const messages = ['good1', 'bad', 'good2', 'good3'].map((body) => ({
    body: Buffer.from(body),
    queue: 0
  }))
  await driver.send(topic, messages)
  const options = { group, topic, orderly: true, suspendMs: 300 }
  await failing(driver, { ...options, failures: 99, most: 2 })
  await driver.until('the last was given', () => withBody(driver, 'good3').length > 0)
  t.same(
    driver.given.map(({ body }) => body.toString()),
    ['good1', 'bad', 'bad', 'bad', 'good2', 'good3'],
    'the queue waits for what fails, until it is given up'
  )
  const [first, second, third] = withBody(driver, 'bad')
  for (const [before, after] of [
    [first, second],
    [second, third]
  ]) {
    const pause = (after?.givenMs ?? 0) - (before?.givenMs ?? 0)
    t.ok(pause >= 290, `${pause} ms later, of 300`)
  }
  const reader = another()
  const dead = `%DLQ%${group}`
  await untilThere(reader, dead)
  await reader.consume({ group: name('retry-in-order-reader'), topic: dead })
  await reader.until('the dead letter was given', () => reader.given.length > 0)
  t.match(reader.given, [{ body: Buffer.from('bad') }])
  t.match(reader.given[0]?.properties, { RETRY_TOPIC: topic })
}

async function killed(t: Test, { another, name, server }: OwnStage): Promise<void> {
  const driver = another()
  const [topic, group] = [name('retry-killed'), name('retry-killed-group')]
  await driver.send(topic, numbered(20, 'bad'))
  await failing(driver, { group, topic, failures: 1, level: 2 })
  await driver.until('all were given', () => driver.given.length >= 20)
  await driver.stop()
  const stoppedMs = Date.now()
  await server.restart('SIGKILL')
  const next = another()
  await failing(next, { group, topic, failures: 0 })
  const copies = () => next.given.filter(({ reconsumeTimes }) => reconsumeTimes > 0)
  await next.until('all came again', () => copies().length >= 20)
  t.same(bodies(copies()), bodies(numbered(20, 'bad')), 'each of them once')
  const before = new Map(driver.given.map(({ body, givenMs }) => [body.toString(), givenMs]))
  for (const { body, storedMs } of copies()) {
    const pause = storedMs - (before.get(body.toString()) ?? 0)
    if (pause < 5000) t.fail(`${body} came ${pause} ms later, of 5 s`)
  }
  const last = Math.max(...copies().map(({ storedMs }) => storedMs))
  t.ok(last <= stoppedMs + 5000 + 2 * lateMsMax, `the last ${last - stoppedMs} ms after the stop`)
}

async function forKafka(t: Test, { another, name, kafka }: OwnStage): Promise<void> {
  const driver = another()
  const [topic, group] = [name('retry-crossed'), name('retry-crossed-group')]
  await driver.send(topic, [{ body: Buffer.from('bad'), keys: 'key', properties: { own: 'x' } }])
  await makeRetryTopic(driver, group)
  await failing(driver, { group, topic, failures: 99, level: 1, most: 1 })
  await driver.until('it was given twice', () => driver.given.length >= 2)
  await untilKafkaSees(kafka, `rmq.dlq.${group}`)
  for (const [kind, reconsumed] of [
    ['retry', '1'],
    ['dlq', '0']
  ]) {
    const named = `rmq.${kind}.${group}`
    const { all, consumer } = await kafkaConsume(
      kafka,
      name(`retry-${kind}-kafka`),
      named,
      (found) => {
        return found.length > 0
      }
    )
    await consumer.disconnect()
    t.equal(all.length, 1)
    t.match(all[0], { key: 'key', value: Buffer.from('bad') })
    t.match(all[0]?.headers, { own: 'x', RETRY_TOPIC: topic, DELAY: reconsumed })
  }
}
