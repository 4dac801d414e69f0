/**
 * Requests that wait for a reply, and traces of messages: what RocketMQ's clients send each other through the server.
 * Those that are not `own` were played against Apache RocketMQ 5.3.3 too, by Java clients 5.3.3 and 4.9.8 and Go's, and
 * pass there.
 */
import type { Test } from 'tap'
import type { RocketmqDriver, SendResult } from '../driver.ts'
import { everyLanguage, type OwnStage, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'a request gets its reply, a compressed one too',
    languages: everyLanguage,
    run: roundTrip
  },
  { name: 'a request that nobody replies to ends in time', run: endsInTime },
  { name: 'a reply whose asker has gone is refused', run: askerGone },
  { name: 'what clients trace of a message is found by its id', run: traced },
  { name: "Kafka's clients see neither replies nor traces", own: true, run: unseen }
]

interface Reply {
  readonly topic: string
  readonly body: string
  readonly properties: Readonly<Record<string, string>>
}

interface Asking {
  readonly timeoutMs?: number
  readonly sync?: boolean
}

async function request(
  driver: RocketmqDriver,
  topic: string,
  body: string,
  { timeoutMs = 10_000, sync = false }: Asking = {}
): Promise<Reply> {
  const command = { topic, body: Buffer.from(body).toString('base64'), timeoutMs, sync }
  const reply = (await driver.ask('RequestReply.request', command)) as Reply
  return { ...reply, body: Buffer.from(reply.body, 'base64').toString() }
}

/** A topic with a consumer that replies, once it has been given something. */
async function replier(driver: RocketmqDriver, topic: string, group: string, hold = false) {
  await driver.send(topic, [{ body: Buffer.from('first') }])
  await driver.ask('RequestReply.answer', { topic, group, hold })
  await driver.until('the replier was given something', () => driver.given.length > 0)
}

async function roundTrip(t: Test, { another, name, client }: Stage): Promise<void> {
  const [asker, answerer] = [another(), another()]
  const topic = name('asked')
  await replier(answerer, topic, name('replying'))
  const reply = await request(asker, topic, 'question')
  t.match(reply, { topic: 'DefaultCluster_REPLY_TOPIC', body: 're: question' })
  t.match(reply.properties, { MSG_TYPE: 'reply', CLUSTER: undefined })
  t.ok(Number(reply.properties.PUSH_REPLY_TIME) > 0)
  const large = 'compressible '.repeat(4000)
  const all = await Promise.all(
    ['a', 'b', large].map(async (body) => (await request(asker, topic, body)).body)
  )
  t.same(all, ['re: a', 're: b', `re: ${large}`], 'each has its own')
  await answerer.until('all were replied to', () => answerer.events.length >= 4)
  t.notOk(answerer.events.find(({ error }) => error !== undefined))
  const given = answerer.given.find(({ body }) => body.toString() === 'question')
  t.equal(given?.properties.CORRELATION_ID, reply.properties.CORRELATION_ID)
  if (client.version.startsWith('4.')) {
    t.equal((await request(asker, topic, 'blocking', { sync: true })).body, 're: blocking')
  }
}

async function endsInTime(t: Test, { another, name }: Stage): Promise<void> {
  const [asker, answerer] = [another(), another()]
  const topic = name('unheard')
  await replier(answerer, topic, name('silent'), true)
  const begin = Date.now()
  await t.rejects(request(asker, topic, 'anybody?', { timeoutMs: 1500 }), /RequestTimeout/)
  t.ok(Date.now() - begin >= 1400, 'not before its time')
  await answerer.ask('RequestReply.release')
  await answerer.until('the reply was sent', () => answerer.events.length >= 1)
  // Too late for the asker's program, but its client is there and takes what it is given.
  t.equal(answerer.events[0]?.error, undefined)
}

async function askerGone(t: Test, { another, name }: Stage): Promise<void> {
  const [asker, answerer] = [another(), another()]
  const topic = name('left')
  await replier(answerer, topic, name('late'), true)
  const asked = request(asker, topic, 'question', { timeoutMs: 30_000 })
  asked.catch(() => undefined)
  await answerer.until('the question was given', () => answerer.given.length >= 2)
  await asker.kill()
  // An answer to something else: the server has heard by then that the asker is gone.
  await answerer.send(name('meanwhile'), [{ body: Buffer.from('x') }])
  await answerer.ask('RequestReply.release')
  await answerer.until('the reply was tried', () => answerer.events.length >= 1)
  t.match(answerer.events[0]?.error, /CODE: 1 .*channel of <.+> not found/)
}

const traceTopic = 'RMQ_SYS_TRACE_TOPIC'
const [fieldEnd, traceEnd] = ['\u0001', '\u0002']

interface Traced {
  readonly sent: SendResult
  /** Of that message, each as its fields. */
  readonly traces: readonly (readonly string[])[]
  /** What is found by its unique key. */
  readonly byKey: readonly string[]
}

/** Sends and consumes one message with tracing clients; returns the traces of it that the topic then has. */
async function trace({ another, name }: Stage): Promise<Traced> {
  const driver = another()
  const body = Buffer.from('watched').toString('base64')
  const message = { topic: name('watched'), body, keys: 'the-key', tag: 'T' }
  const sent = (await driver.ask('Traces.send', message)) as SendResult
  await driver.ask('Traces.consume', { topic: name('watched'), group: name('watching') })
  await driver.until('it was given', () => driver.given.length >= 1)
  const reader = another()
  const found = (): string[][] => {
    const all = reader.given.map(({ body }) => body.toString()).join('')
    const traces = all.split(traceEnd).map((one) => one.split(fieldEnd))
    return traces.filter((fields) => fields.includes(sent.uniqueKey))
  }
  await reader.consume({ group: name('tracing'), topic: traceTopic })
  await reader.until('its traces were given', () => found().length >= 3)
  return { sent, traces: found(), byKey: await tracesByKey(reader, sent.uniqueKey) }
}

/** As mqadmin's queryMsgTraceById looks for them. A real broker's index is a little behind. */
async function tracesByKey(driver: RocketmqDriver, key: string): Promise<string[]> {
  const query = { topic: traceTopic, key, count: 64, from: 0, to: Number.MAX_SAFE_INTEGER }
  const endMs = Date.now() + 30_000
  for (;;) {
    const found = (await driver.ask('Lookups.byKey', query)) as { body: string }[]
    const bodies = found.map(({ body }) => Buffer.from(body, 'base64').toString())
    if (bodies.some((body) => body.startsWith('SubBefore')) || Date.now() > endMs) return bodies
  }
}

async function traced(t: Test, stage: Stage): Promise<void> {
  const { sent, traces, byKey } = await trace(stage)
  t.same(traces.map(([type]) => type).sort(), ['Pub', 'SubAfter', 'SubBefore'])
  const published = traces.find(([type]) => type === 'Pub') ?? []
  const [region, group, topic] = published.slice(2, 5)
  t.same([region, group, topic], ['DefaultRegion', 'isthmus-traced', stage.name('watched')])
  t.ok(published.includes(sent.offsetId))
  t.ok(published.includes('the-key'))
  t.ok(byKey.some((body) => body.startsWith('Pub')))
  t.ok(byKey.every((body) => body.includes(sent.uniqueKey)))
}

async function unseen(t: Test, stage: OwnStage): Promise<void> {
  await trace(stage)
  const { another, name, kafka } = stage
  const answerer = another()
  await replier(answerer, name('asked'), name('replying'))
  await request(another(), name('asked'), 'question')
  const admin = kafka.admin()
  const topics = await admin.listTopics()
  t.ok(topics.includes(name('asked')))
  t.same(
    topics.filter((topic) => /TRACE|REPLY/.test(topic)),
    []
  )
  await admin.disconnect()
}
