/** Where a group begins that has no place yet. What needs no Kafka client is passed by RocketMQ 5.3.3 too. */
import type { Test } from 'tap'
import type { ConsumeOptions, RocketmqDriver } from '../driver.ts'
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
    name: 'a group that is new to a young topic misses nothing, wherever it asks to begin',
    languages: everyLanguage,
    run: young
  },
  {
    name: 'a new group begins first, last or at a time where the first records are gone',
    languages: everyLanguage,
    own: true,
    run: old
  }
]

const wheres = ['CONSUME_FROM_FIRST_OFFSET', 'CONSUME_FROM_LAST_OFFSET'] as const

async function young(t: Test, { another, name }: Stage): Promise<void> {
  const driver = another()
  await driver.send(name('young'), numbered(10))
  for (const from of wheres) {
    const consumer = another()
    await consumer.consume({ group: name(`young-${from}`), topic: name('young'), from })
    await consumer.until('all were given', () => consumer.given.length >= 10)
    t.same(bodies(consumer.given), bodies(numbered(10)), from)
  }
}

async function old(t: Test, { another, name, kafka }: OwnStage): Promise<void> {
  const topic = name('aged')
  const sender = another()
  const queues = [0, 1, 2, 3]
  const round = (text: string) => queues.map((queue) => ({ body: Buffer.from(text), queue }))
  await sender.send(topic, [...round('gone'), ...round('gone'), ...round('old')])
  const admin = kafka.admin()
  const partitions = queues.map((partition) => ({ partition, offset: '2' }))
  // kafkajs deletes records of topics that it has asked about already.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions })
  await admin.disconnect()
  // A timestamp is a whole second, so one has to begin between the old ones and the new.
  const second = Math.ceil((Date.now() + 1) / 1000) * 1000
  while (Date.now() <= second) await sender.send(topic, round('old'))
  await sender.send(topic, round('new'))

  const first = await consumed(another(), { group: name('aged-first'), topic }, sender)
  t.notOk(first.includes('gone'))
  t.equal(count(first, 'new'), 4)
  t.ok(count(first, 'old') >= 8, 'from the first that there is')
  t.equal(count(first, 'old') % 4, 0)

  const last = await consumed(
    another(),
    { group: name('aged-last'), topic, from: 'CONSUME_FROM_LAST_OFFSET' },
    sender
  )
  t.same([...new Set(last)], ['probe'], 'only what came later')

  const timestamp = secondOf(second)
  const options = { group: name('aged-time'), topic, from: 'CONSUME_FROM_TIMESTAMP' } as const
  const timed = await consumed(another(), { ...options, timestamp }, sender)
  t.equal(count(timed, 'new'), 4)
  t.ok(count(timed, 'old') <= 4, 'what was sent as the second began at most')
  t.notOk(timed.includes('gone'))
}

/** The texts that a new consumer was given until each queue gave it one that was sent after it started. */
async function consumed(
  driver: RocketmqDriver,
  options: ConsumeOptions,
  sender: RocketmqDriver
): Promise<string[]> {
  await driver.consume(options)
  const probed = () => {
    const probes = driver.given.filter(({ body }) => body.toString() === 'probe')
    return new Set(probes.map(({ queue }) => queue)).size === 4
  }
  const deadlineMs = Date.now() + 45_000
  while (!probed() && Date.now() < deadlineMs) {
    const probe = Buffer.from('probe')
    await sender.send(
      options.topic,
      [0, 1, 2, 3].map((queue) => ({ body: probe, queue }))
    )
  }
  await driver.until('every queue gave a probe', probed)
  await driver.end()
  return driver.given.map(({ body }) => body.toString())
}

function count(texts: readonly string[], text: string): number {
  return texts.filter((one) => one === text).length
}

/** As RocketMQ's clients read it: YYYYMMDDhhmmss of the local time. */
function secondOf(ms: number): string {
  const date = new Date(ms)
  const parts = [date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes()]
  const two = [...parts, date.getSeconds()].map((part) => `${part}`.padStart(2, '0'))
  return `${date.getFullYear()}${two.join('')}`
}
