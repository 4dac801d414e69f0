/** What RocketMQ's clients see of a server; what needs no restart is passed by RocketMQ 5.3.3 too. */
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import type { RocketmqDriver } from '../driver.ts'
import { untilCommitted } from '../kafka-consume.ts'
import {
  bodies,
  everyLanguage,
  heldMsMax,
  numbered,
  type OwnStage,
  repeatUntil,
  type Scenario,
  type Stage
} from '../scenario.ts'

const plays: readonly Scenario[] = [
  {
    name: 'a new topic is made by its first send, and a consumer gets all of it',
    run: sendAndConsume
  },
  {
    name: 'asynchronous, one-way, batched and compressed sends all arrive',
    run: everyKindOfSend
  },
  { name: 'a consumer by tags gets those and no others', run: byTags },
  {
    name: 'members share the queues, and what one leaves another takes over',
    run: sharedQueues
  },
  { name: 'an orderly consumer gets each queue in order', run: orderly },
  {
    name: 'a group keeps its place over a restart of the server',
    own: true,
    run: keepsItsPlace
  }
]

export const scenarios: readonly Scenario[] = [
  ...plays.map((one) => ({ ...one, languages: everyLanguage })),
  { name: 'members share the queues as the broker divides them', since: 5, run: dividedQueues }
]

async function sendAndConsume(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const before = Date.now()
  const sent = await driver.send(name('new-topic'), [
    { body: Buffer.from('one'), tag: 'A', keys: 'k1 k2', properties: { colour: 'röt' } },
    { body: Buffer.from('two'), queue: 2 },
    { body: Buffer.from('three'), queue: 2 }
  ])
  t.same(
    sent.map(({ status }) => status),
    ['SEND_OK', 'SEND_OK', 'SEND_OK']
  )
  t.same(
    sent.slice(1).map(({ queue, offset }) => [queue, offset]),
    [
      [2, 0],
      [2, 1]
    ].map(([queue, offset]) => [queue, (offset ?? 0) + (sent[0]?.queue === 2 ? 1 : 0)])
  )
  await driver.consume({ group: name('new-topic-group'), topic: name('new-topic') })
  await driver.until('three were given', () => driver.given.length >= 3)
  t.same(bodies(driver.given), ['one', 'three', 'two'])
  const one = driver.given.find(({ body }) => body.toString() === 'one')
  t.match(one, { topic: name('new-topic'), queue: sent[0]?.queue, uniqueKey: sent[0]?.uniqueKey })
  t.match(one?.properties, { TAGS: 'A', KEYS: 'k1 k2', colour: 'röt', CLUSTER: 'DefaultCluster' })
  t.ok((one?.bornMs ?? 0) >= before - 1000 && (one?.bornMs ?? 0) <= Date.now() + 1000)
  await driver.send(name('new-topic'), [{ body: Buffer.from('late') }])
  await driver.until('a held pull was answered', () => driver.given.length >= 4, heldMsMax)
}

async function everyKindOfSend(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const large = { body: Buffer.alloc(100_000, 'compressible ') }
  const batch = await driver.send(name('kinds'), numbered(5, 'batch'), 'batch')
  t.equal(batch[0]?.status, 'SEND_OK')
  t.equal(batch[0]?.offsetId.split(',').length, 5)
  const sent = await driver.send(name('kinds'), numbered(50, 'async'), 'async')
  t.equal(new Set(sent.map(({ queue, offset }) => `${queue}/${offset}`)).size, 50)
  await driver.send(name('kinds'), numbered(3, 'oneway'), 'oneway')
  await driver.send(name('kinds'), [large])
  await driver.consume({ group: name('kinds-group'), topic: name('kinds') })
  await driver.until('all were given', () => driver.given.length >= 59)
  const wanted = [...numbered(5, 'batch'), ...numbered(50, 'async'), ...numbered(3, 'oneway')]
  t.same(bodies(driver.given), bodies([...wanted, large]))
}

async function byTags(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const tags = ['A', 'B', 'C', 'D'] as const
  const messages = numbered(40).map((one, i) => ({ ...one, tag: tags[i % 4] ?? 'A' }))
  await driver.send(name('tagged'), messages)
  await driver.send(name('tagged'), [{ body: Buffer.from('none') }])
  await driver.consume({
    group: name('tagged-group'),
    topic: name('tagged'),
    subscription: 'A || C'
  })
  const wanted = messages.filter(({ tag }) => tag === 'A' || tag === 'C')
  await driver.until('all of those were given', () => driver.given.length >= wanted.length)
  await driver.send(name('tagged'), [{ body: Buffer.from('last'), tag: 'C' }])
  await driver.until('the last was given', () => driver.given.length > wanted.length)
  t.same(bodies(driver.given), bodies([...wanted, { body: Buffer.from('last') }]))
}

/** A round of messages is given within it, once the queues are divided. */
const roundMs = 1000

function sharedQueues(t: Test, stage: Stage): Promise<void> {
  return shareQueues(t, stage, 'shared', false)
}

/** The same where the members ask the broker what is theirs. */
function dividedQueues(t: Test, stage: Stage): Promise<void> {
  return shareQueues(t, stage, 'divided', true)
}

async function shareQueues(
  t: Test,
  { another, client, name }: Stage,
  what: string,
  brokerDivides: boolean
): Promise<void> {
  const [one, two] = [another(), another()]
  const [topic, group] = [name(what), name(`${what}-group`)]
  await one.send(topic, numbered(4, 'first'))
  await one.consume({ group, topic, brokerDivides })
  await one.until('the first was alone', () => one.given.length >= 4)
  await two.consume({ group, topic, brokerDivides })
  const queues = (driver: RocketmqDriver, prefix: string) => {
    const given = driver.given.filter(({ body }) => body.toString().startsWith(prefix))
    return [...new Set(given.map(({ queue }) => queue))].sort()
  }
  // The members divide the queues when they are told of each other, one sooner than the other; rounds show it.
  let round = 0
  const isShared = () => {
    const shares = [one, two].map((driver) => queues(driver, `round ${round} `))
    return shares.every(({ length }) => length === 2) && new Set(shares.flat()).size === 4
  }
  await repeatUntil(isShared, async () => {
    round++
    const text = Buffer.from(`round ${round} `)
    await one.send(
      topic,
      [0, 1, 2, 3].map((queue) => ({ body: text, queue }))
    )
    await repeatUntil(isShared, () => setTimeout(20), roundMs)
  })
  t.ok(isShared(), 'each has two queues, and nobody the same')
  // Go's client never says goodbye; its connection's end does.
  await (client.language === 'go' ? one.end() : one.stop())
  await two.send(
    topic,
    [0, 1, 2, 3].map((queue) => ({ body: Buffer.from('alone'), queue }))
  )
  await two.until('all are its', () => queues(two, 'alone').length === 4)
}

async function orderly(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  const messages = numbered(100).map((one, i) => ({ ...one, queue: i % 4 }))
  await driver.send(name('ordered'), messages)
  await driver.consume({ group: name('ordered-group'), topic: name('ordered'), orderly: true })
  await driver.until('all were given', () => driver.given.length >= 100)
  for (const queue of [0, 1, 2, 3]) {
    const given = driver.given.filter((one) => one.queue === queue)
    const wanted = messages.filter((one) => one.queue === queue)
    t.same(
      given.map(({ body }) => body.toString()),
      wanted.map(({ body }) => body.toString())
    )
  }
}

async function keepsItsPlace(t: Test, { another, name, server, kafka }: OwnStage): Promise<void> {
  const driver = another()
  await driver.send(name('kept'), numbered(20))
  await driver.consume({ group: name('kept-group'), topic: name('kept') })
  await driver.until('all were given', () => driver.given.length >= 20)
  // Before it stops: Go's client does not wait for its listener.
  await untilCommitted(kafka, name('kept-group'), name('kept'), 20)
  await driver.stop()
  await server.restart('SIGKILL')
  const after = another()
  await after.send(name('kept'), numbered(5, 'later'))
  await after.consume({ group: name('kept-group'), topic: name('kept') })
  await after.until('the later ones were given', () => after.given.length >= 5)
  t.same(bodies(after.given), bodies(numbered(5, 'later')), 'and nothing a second time')
}
