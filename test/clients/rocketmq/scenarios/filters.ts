/** SQL92 filters: what they mean, and consumers that have them. */
import type { Test } from 'tap'
import { SeededRandom, seedOfRun } from '../../../support/seeded-random.ts'
import type { GivenMessage, MessageToSend } from '../driver.ts'
import { Expressions, judge } from '../expressions.ts'
import { bodies, type OwnStage, type Scenario, type Stage } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: 'a push consumer with an expression gets what it is true for',
    languages: ['java', 'go'],
    run: pushes
  },
  { name: 'pull consumers with an expression get what it is true for', run: pulls },
  {
    name: 'a consumer with a wrong expression does not start, and is told where it is wrong',
    run: wrong
  },
  { name: "an expression is asked of Kafka's records too", own: true, run: kafkaRecords },
  { name: "expressions mean what RocketMQ's own evaluator says", since: 5, run: sameMeaning }
]

const rounds = 10
const textsPerRound = 500
const messagesPerRound = 20

/** Needs no server: RocketMQ's library is asked in the driver's process. */
async function sameMeaning(t: Test, { another }: Stage): Promise<void> {
  const driver = another()
  const seed = seedOfRun
  t.comment(`SEED=${seed}`)
  const made = new Expressions(new SeededRandom(seed))
  const seen = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    const texts = Array.from({ length: textsPerRound }, () => made.text())
    const properties = Array.from({ length: messagesPerRound }, () => made.properties())
    const wanted = (await driver.ask('Filters.judge', { texts, properties })) as (string | null)[]
    for (const [i, text] of texts.entries()) {
      const verdicts = judge(text, properties)
      for (const verdict of verdicts ?? '-') seen.set(verdict, (seen.get(verdict) ?? 0) + 1)
      if (verdicts === wanted[i]) continue
      t.equal(verdicts, wanted[i], `${JSON.stringify(text)} for ${JSON.stringify(properties)}`)
      return
    }
  }
  for (const verdict of 'TFNX-') t.ok((seen.get(verdict) ?? 0) > 300, `${verdict} was looked at`)
}

/** Ages 0 to 19, and some that are no numbers. */
function people(): MessageToSend[] {
  const ages = [...Array.from({ length: 20 }, (_, age) => `${age}`), 'old', '18.5']
  const known = ages.map((age) => ({
    body: Buffer.from(`of ${age}`),
    properties: { age },
    tag: 'P'
  }))
  return [...known, { body: Buffer.from('of none'), tag: 'Q' }]
}

async function pushes(t: Test, { another, name }: Stage): Promise<void> {
  const [driver, topic] = [another(), name('sql-push')]
  await driver.send(topic, people())
  const sql = "TAGS = 'P' AND age BETWEEN 3 AND 17 AND age NOT IN ('5', '6') OR age IS NULL"
  await driver.consume({ group: name('sql-push-group'), topic, sql })
  const wanted = [...[3, 4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17], 'none'].map(
    (age) => `of ${age}`
  )
  await driver.until('those were given', () => driver.given.length >= wanted.length)
  const late = (age: string) => ({
    body: Buffer.from(`late ${age}`),
    properties: { age },
    tag: 'P'
  })
  await driver.send(topic, [late('2'), late('18'), late('old'), late('7')])
  await driver.until('the late one was given', () => driver.given.length > wanted.length)
  t.same(bodies(driver.given), [...wanted, 'late 7'].sort())
}

async function pulls(t: Test, { another, name }: Stage): Promise<void> {
  const [driver, topic] = [another(), name('sql-pull')]
  await driver.send(
    topic,
    people().map((one) => ({ ...one, queue: 1 }))
  )
  const wanted = ['of 18', 'of 19']
  const pull = (offset: number) =>
    driver.ask('Lookups.pullSql', {
      group: name('sql-classic'),
      topic,
      queue: 1,
      offset,
      sql: 'age >= 18'
    })
  const first = (await pull(0)) as { status: string; next: number; messages: GivenMessage[] }
  t.match(first, { status: 'FOUND' })
  t.same(coded(first.messages), wanted)
  t.match(await pull(20), { status: 'NO_MATCHED_MSG', next: 23 }, 'what is not wanted is behind it')
  await driver.ask('LitePull.start', { group: name('sql-lite'), topic, sql: 'age >= 18' })
  const polled = await driver.ask('LitePull.poll', { count: 2, timeoutMs: 20_000 })
  t.same(coded(polled as GivenMessage[]), wanted)
  t.same(await driver.ask('LitePull.poll', { count: 1, timeoutMs: 1000 }), [], 'and no more')
}

async function kafkaRecords(t: Test, { another, kafka, name }: OwnStage): Promise<void> {
  const [driver, topic] = [another(), name('sql-kafka')]
  const producer = kafka.producer()
  await producer.connect()
  const record = (value: string, age: string, key: string) => ({ key, value, headers: { age } })
  await producer.send({
    topic,
    compression: 1,
    messages: [record('young', '5', 'k'), record('right', '50', 'k'), record('other', '50', 'l')]
  })
  await producer.disconnect()
  const sql = "age > 18 AND KEYS = 'k'"
  await driver.consume({ group: name('sql-kafka-group'), topic, sql })
  await driver.until('it was given', () => driver.given.length >= 1)
  await driver.send(topic, [{ body: Buffer.from('last'), keys: 'k', properties: { age: '19' } }])
  await driver.until('the last one was given', () => driver.given.length >= 2)
  t.same(bodies(driver.given), ['last', 'right'])
}

/** Bodies of messages in an answer, which are base64 still. */
function coded(given: readonly { readonly body: unknown }[]): string[] {
  return given.map(({ body }) => Buffer.from(String(body), 'base64').toString()).sort()
}

async function wrong(t: Test, { another, name }: Stage): Promise<void> {
  const [driver, topic] = [another(), name('sql-wrong')]
  await driver.send(topic, people().slice(0, 1))
  const consume = driver.consume({
    group: name('sql-wrong'),
    topic,
    sql: 'age > 3 AND AND age < 5'
  })
  await t.rejects(consume, { message: /CODE: 23 .*Encountered .*AND.* at line 1, column 13/s })
}
