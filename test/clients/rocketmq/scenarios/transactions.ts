/**
 * Transactional producers: commit, rollback, and being asked. Those that are not `own` were played against Apache
 * RocketMQ 5.3.3 too, by Java clients 5.3.3 and 4.9.8 and Go's, and pass there: with transactionTimeOut=1000,
 * transactionCheckInterval=1000, transactionCheckMax=8, and transactionOpBatchInterval=100 so that it does not ask
 * about what is committed already.
 */
import type { Test } from 'tap'
import type { DriverEvent, RocketmqDriver, SendResult } from '../driver.ts'
import { kafkaConsume } from '../kafka-consume.ts'
import {
  bodies,
  everyLanguage,
  type OwnStage,
  type Scenario,
  type Stage,
  transactionChecksMax
} from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'transactions: what is committed is given, what is rolled back never',
    languages: everyLanguage,
    run: committed
  },
  {
    name: 'transactions: a producer that said nothing is asked, and decides',
    languages: everyLanguage,
    run: asked
  },
  { name: 'transactions: another producer of the group is asked for one that died', run: another },
  { name: 'transactions: nobody decides, and the message is put aside', run: putAside },
  { name: 'transactions: the server is killed between half and outcome', own: true, run: killed },
  { name: "transactions: Kafka's consumers get what is committed", own: true, run: toKafka }
]

type Outcome = 'COMMIT_MESSAGE' | 'ROLLBACK_MESSAGE' | 'UNKNOW'

interface HalfResult extends SendResult {
  readonly transactionId: string
}

interface Sending {
  readonly hold?: boolean
  readonly properties?: Readonly<Record<string, string>>
}

/** Starts a transactional producer, which sends a message "first". */
async function producer(stage: Stage, topic: string, group: string): Promise<RocketmqDriver> {
  const driver = stage.another()
  await driver.ask('Transactions.start', { topic, group })
  return driver
}

function sendHalf(
  driver: RocketmqDriver,
  topic: string,
  texts: readonly string[],
  local: Outcome,
  { hold = false, properties = {} }: Sending = {}
): Promise<HalfResult[]> {
  const messages = texts.map((text) => ({
    body: Buffer.from(text).toString('base64'),
    keys: `key-${text}`,
    tag: 'T',
    properties
  }))
  const command = { topic, messages, local, hold }
  return driver.ask('Transactions.send', command) as Promise<HalfResult[]>
}

/** What a producer says when it is asked that often. */
function decides(outcome: Outcome, outcomeAt = 1): Sending {
  return { properties: { outcome, outcomeAt: `${outcomeAt}` } }
}

/** The same, asked when who died is surely gone, and a server that was started again there, with its clients. */
function later(outcome: Outcome): Sending {
  const { properties } = decides(outcome)
  return { properties: { ...properties, CHECK_IMMUNITY_TIME_IN_SECONDS: '5' } }
}

function checksOf(driver: RocketmqDriver, text: string): DriverEvent[] {
  const body = Buffer.from(text).toString('base64')
  return driver.events.filter((one) => one.event === 'checked' && one.body === body)
}

/** A consumer of the topic, and what it was given besides the first message. */
async function consumer(stage: Stage, topic: string, group: string) {
  const driver = stage.another()
  await driver.consume({ group, topic })
  const given = () => driver.given.filter(({ body }) => body.toString() !== 'first')
  return { driver, given }
}

async function committed(t: Test, stage: Stage): Promise<void> {
  const { name } = stage
  const topic = name('transacted')
  const one = await producer(stage, topic, name('transactions'))
  const { driver, given } = await consumer(stage, topic, name('transacted-group'))
  const unasked = { properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: '30' } }
  const rolled = await sendHalf(one, topic, ['no-1', 'no-2', 'no-3'], 'ROLLBACK_MESSAGE', unasked)
  const sent = await sendHalf(one, topic, ['yes-1', 'yes-2', 'yes-3'], 'COMMIT_MESSAGE', unasked)
  for (const { status, transactionId, uniqueKey } of [...rolled, ...sent]) {
    t.same([status, transactionId], ['SEND_OK', uniqueKey])
  }
  await driver.until('all were given', () => given().length >= 3)
  await one.send(
    topic,
    [0, 1, 2, 3].map((queue) => ({ body: Buffer.from('last'), queue }))
  )
  await driver.until('the last of each queue was given', () => given().length >= 7)
  t.same(bodies(given()), [...Array(4).fill('last'), 'yes-1', 'yes-2', 'yes-3'])
  const [first] = given().filter(({ body }) => body.toString() === 'yes-1')
  const half = sent[0]
  t.match(first, { topic, queue: half?.queue, uniqueKey: half?.uniqueKey })
  t.match(first?.properties, {
    KEYS: 'key-yes-1',
    TAGS: 'T',
    TRAN_MSG: 'true',
    PGROUP: name('transactions'),
    REAL_TOPIC: topic,
    REAL_QID: `${half?.queue}`,
    __transactionId__: half?.uniqueKey
  })
  t.same(
    one.events.filter(({ event }) => event === 'checked'),
    [],
    'nobody was asked'
  )
}

async function asked(t: Test, stage: Stage): Promise<void> {
  const { name } = stage
  const topic = name('asked-after')
  const one = await producer(stage, topic, name('silent'))
  const { driver, given } = await consumer(stage, topic, name('asked-after-group'))
  const begin = Date.now()
  const [yes] = await sendHalf(one, topic, ['yes'], 'UNKNOW', decides('COMMIT_MESSAGE', 2))
  await sendHalf(one, topic, ['no'], 'UNKNOW', decides('ROLLBACK_MESSAGE'))
  await driver.until('it was committed', () => given().length >= 1)
  await one.until('the other was asked for', () => checksOf(one, 'no').length >= 1)
  const [first, second] = checksOf(one, 'yes')
  t.ok((first?.givenMs as number) - begin >= 1000, 'not before its time')
  t.match(first, { topic, queue: yes?.queue, transactionId: yes?.transactionId })
  t.match(first?.properties, { REAL_TOPIC: topic, UNIQ_KEY: yes?.uniqueKey })
  t.match(second, { properties: { TRANSACTION_CHECK_TIMES: '2' } })
  await one.send(
    topic,
    [0, 1, 2, 3].map((queue) => ({ body: Buffer.from('last'), queue }))
  )
  await driver.until('the last of each queue was given', () => given().length >= 5)
  t.same(bodies(given()), [...Array(4).fill('last'), 'yes'])
}

async function another(t: Test, stage: Stage): Promise<void> {
  const { name } = stage
  const topic = name('inherited')
  const one = await producer(stage, topic, name('family'))
  const { driver, given } = await consumer(stage, topic, name('inherited-group'))
  // Asking nobody counts too, so the other one is there before.
  const two = await producer(stage, topic, name('family'))
  const [half] = await sendHalf(one, topic, ['left'], 'UNKNOW', later('COMMIT_MESSAGE'))
  await one.kill()
  await driver.until('it was committed', () => given().length >= 1)
  t.same(bodies(given()), ['left'])
  t.equal(given()[0]?.uniqueKey, half?.uniqueKey)
  t.ok(checksOf(two, 'left').length >= 1)
}

const putAsideTopic = 'TRANS_CHECK_MAX_TIME_TOPIC'

async function putAside(t: Test, stage: Stage): Promise<void> {
  const { name } = stage
  const topic = name('undecided')
  const one = await producer(stage, topic, name('wavering'))
  const { given } = await consumer(stage, topic, name('undecided-group'))
  const text = name('undecided-body')
  const [half] = await sendHalf(one, topic, [text], 'UNKNOW', decides('UNKNOW'))
  const isAsked = () => checksOf(one, text).length >= transactionChecksMax
  await one.until('it was asked as often as it may be', isAsked)
  const aside = stage.another()
  const found = () => aside.given.filter(({ uniqueKey }) => uniqueKey === half?.uniqueKey)
  // It has no route before it has a message; a consumer that knows of none asks again.
  await aside.consume({ group: name('aside-group'), topic: putAsideTopic })
  await aside.until('it was put aside', () => found().length >= 1)
  t.match(found()[0], { topic: putAsideTopic, queue: 0 })
  t.match(found()[0]?.properties, {
    REAL_TOPIC: topic,
    TRANSACTION_CHECK_TIMES: `${transactionChecksMax}`
  })
  t.equal(checksOf(one, text).length, transactionChecksMax)
  t.same(given(), [])
}

async function killed(t: Test, stage: OwnStage): Promise<void> {
  const { name, server } = stage
  const topic = name('interrupted')
  const one = await producer(stage, topic, name('patient'))
  // Outcomes are told without an answer: those that do not come through are asked for.
  const held = { ...later('COMMIT_MESSAGE'), hold: true }
  const sending = sendHalf(one, topic, ['held'], 'COMMIT_MESSAGE', held)
  const two = await producer(stage, topic, name('asked-later'))
  await sendHalf(two, topic, ['asked-1', 'asked-2'], 'UNKNOW', later('COMMIT_MESSAGE'))
  await sendHalf(two, topic, ['never'], 'UNKNOW', later('ROLLBACK_MESSAGE'))
  await sendHalf(two, topic, ['before'], 'COMMIT_MESSAGE', later('COMMIT_MESSAGE'))
  await one.until('its transaction runs', () => one.events.length >= 1)
  await server.restart('SIGKILL')
  await one.ask('Transactions.release')
  await sending
  const { driver, given } = await consumer(stage, topic, name('interrupted-group'))
  await driver.until('all were given', () => new Set(bodies(given())).size >= 4)
  await two.until('the last was asked for', () => checksOf(two, 'never').length >= 1)
  await two.send(
    topic,
    [0, 1, 2, 3].map((queue) => ({ body: Buffer.from('last'), queue }))
  )
  await driver.until('the last of each queue was given', () => given().length >= 8)
  const once = ['asked-1', 'asked-2', 'before', 'held']
  t.same(bodies(given()), [...once, ...Array(4).fill('last')].sort(), 'each once')
}

async function toKafka(t: Test, stage: OwnStage): Promise<void> {
  const { name, kafka } = stage
  const topic = name('transacted-for-kafka')
  const one = await producer(stage, topic, name('half-for-kafka'))
  await sendHalf(one, topic, ['no'], 'ROLLBACK_MESSAGE')
  await sendHalf(one, topic, ['open'], 'UNKNOW', decides('UNKNOW'))
  const [yes] = await sendHalf(one, topic, ['yes'], 'COMMIT_MESSAGE')
  await one.send(
    topic,
    [0, 1, 2, 3].map((queue) => ({ body: Buffer.from('last'), queue }))
  )
  const { all, consumer } = await kafkaConsume(kafka, name('kafka'), topic, (all) => {
    return all.length >= 6
  })
  await consumer.disconnect()
  const texts = all.map(({ value }) => value.toString()).sort()
  t.same(texts, ['first', ...Array(4).fill('last'), 'yes'])
  const record = all.find(({ value }) => value.toString() === 'yes')
  t.match(record, { key: 'key-yes', partition: yes?.queue, headers: { UNIQ_KEY: yes?.uniqueKey } })
  const admin = kafka.admin()
  t.same(
    (await admin.listTopics()).filter((name) => /TRANS|HALF|half/.test(name)),
    []
  )
  await admin.disconnect()
}
