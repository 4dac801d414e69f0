/** Where a group begins that has no place yet. What needs no Kafka client is passed by RocketMQ 5.3.3 too. */
import type { Test } from 'tap'
import type { ConsumeOptions, GivenMessage, RocketmqDriver } from '../driver.ts'
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

const queues = [0, 1, 2, 3]
/** Of each queue, its first messages that are deleted. */
const goneCount = 2

function round(text: string): { body: Buffer; queue: number }[] {
  return queues.map((queue) => ({ body: Buffer.from(text), queue }))
}

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
  await sender.send(topic, [...round('gone'), ...round('gone'), ...round('old')])
  const admin = kafka.admin()
  const partitions = queues.map((partition) => ({ partition, offset: `${goneCount}` }))
  // kafkajs deletes records of topics that it has asked about already.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions })
  // A timestamp is a whole second, so one has to begin between the old ones and the new.
  const second = Math.ceil((Date.now() + 1) / 1000) * 1000
  while (Date.now() <= second) await sender.send(topic, round('old'))
  await sender.send(topic, round('new'))

  const begins = queues.map(() => goneCount)
  const first = await consumed(another(), { group: name('aged-first'), topic }, sender, begins)
  t.same(beginsOf(first), begins, 'from the first that there is')

  const ends = new Map<number, number>()
  for (const { partition, offset } of await admin.fetchTopicOffsets(topic)) {
    ends.set(partition, Number(offset))
  }
  await admin.disconnect()
  const last = { group: name('aged-last'), topic, from: 'CONSUME_FROM_LAST_OFFSET' } as const
  const later = await consumed(another(), last, sender)
  const early = later.filter(({ queue, offset }) => offset < (ends.get(queue) ?? 0))
  t.same(early, [], 'only what came later')

  const options = { group: name('aged-time'), topic, from: 'CONSUME_FROM_TIMESTAMP' } as const
  const since = beginsOf(first.filter(({ storedMs }) => storedMs >= second))
  const timestamp = secondOf(second)
  const timed = await consumed(another(), { ...options, timestamp }, sender, since)
  t.same(beginsOf(timed), since, 'from the first that was stored in that second or later')
}

/**
 * What a new consumer was given until each queue gave it one that was sent after it started, and all between that and
 * `begins`. Its listener runs in many threads: a later message may be told of before an earlier one.
 */
async function consumed(
  driver: RocketmqDriver,
  options: ConsumeOptions,
  sender: RocketmqDriver,
  begins?: readonly number[]
): Promise<readonly GivenMessage[]> {
  await driver.consume(options)
  const isComplete = (queue: number) => {
    const given = driver.given.filter((one) => one.queue === queue)
    const probe = given.find(({ body }) => body.toString() === 'probe')
    if (probe === undefined) return false
    const offsets = new Set(given.map(({ offset }) => offset))
    for (let at = begins?.[queue] ?? probe.offset; at < probe.offset; at++) {
      if (!offsets.has(at)) return false
    }
    return true
  }
  const areComplete = () => queues.every(isComplete)
  const deadlineMs = Date.now() + 45_000
  while (!areComplete() && Date.now() < deadlineMs) await sender.send(options.topic, round('probe'))
  await driver.until('every queue gave all up to a probe', areComplete)
  await driver.stop()
  return driver.given
}

/** The first offset that each queue gave. */
function beginsOf(given: readonly GivenMessage[]): number[] {
  return queues.map((queue) =>
    Math.min(...given.filter((one) => one.queue === queue).map(({ offset }) => offset))
  )
}

/** As RocketMQ's clients read it: YYYYMMDDhhmmss of the local time. */
function secondOf(ms: number): string {
  const date = new Date(ms)
  const parts = [date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes()]
  const two = [...parts, date.getSeconds()].map((part) => `${part}`.padStart(2, '0'))
  return `${date.getFullYear()}${two.join('')}`
}
