/** RocketMQ's clients next to Kafka's own Java client. */
import type { Test } from 'tap'
import { clients } from '../../clients.ts'
import { Driver, waitUntil } from '../../driver.ts'
import type { Codec, WireRecord } from '../../wire.ts'
import { untilCommitted } from '../kafka-consume.ts'
import { bodies, everyLanguage, numbered, type OwnStage, type Scenario } from '../scenario.ts'

export const scenarios: readonly Scenario[] = [
  {
    name: "batches of Kafka's Java client reach RocketMQ's consumers, whatever their codec",
    languages: everyLanguage,
    own: true,
    run: everyCodec
  },
  {
    name: "RocketMQ's messages reach Kafka's Java client, and a group moves there and back",
    languages: everyLanguage,
    own: true,
    run: thereAndBack
  }
]

const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const sessionTimeoutMs = 10_000

async function kafkaJava(t: Test, { server }: OwnStage): Promise<Driver> {
  const client = await clients['java-4.1']?.()
  if (!client) throw new Error('no Java client')
  const driver = new Driver(client.name, client.command, server.bootstrap)
  t.teardown(() => driver.end())
  return driver
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

function recordsOf(codec: Codec, timestamp: number): WireRecord[] {
  return Array.from({ length: 12 }, (_, i) => ({
    partition: i % 4,
    offset: -1,
    timestamp: timestamp + i,
    key: i === 0 ? null : base64(`${codec} key ${i}`),
    value: base64(`${codec} ${i} ${'compressible '.repeat(i * 100)}`),
    headers: [
      ['TAGS', base64(i % 2 ? 'odd' : 'even')],
      ['trace', base64(`röte ${i}`)]
    ]
  }))
}

async function everyCodec(t: Test, stage: OwnStage): Promise<void> {
  const { another, name } = stage
  const kafka = await kafkaJava(t, stage)
  const topic = name('every-codec')
  await kafka.ask('create-topic', { topic, partitions: 4 })
  const timestamp = Date.now() - 10_000
  const sent = new Map<string, WireRecord>()
  for (const codec of codecs) {
    const records = recordsOf(codec, timestamp)
    const { offsets } = await kafka.ask('produce', { topic, codec, records })
    records.forEach((record, i) => {
      sent.set(`${record.partition}/${offsets?.[i]}`, record)
    })
  }
  const [all, odd] = [another(), another()]
  await all.consume({ group: name('every-codec-all'), topic })
  await odd.consume({ group: name('every-codec-odd'), topic, subscription: 'odd' })
  await all.until('all were given', () => all.given.length >= sent.size)
  await odd.until('half were given', () => odd.given.length >= sent.size / 2)
  t.equal(all.given.length, sent.size)
  for (const given of all.given) {
    const record = sent.get(`${given.queue}/${given.offset}`)
    t.equal(given.body.toString('base64'), record?.value)
    t.equal(given.bornMs, record?.timestamp)
    const [[, tag = ''] = [], [, trace = ''] = []] = record?.headers ?? []
    const { TAGS, KEYS = '' } = given.properties
    t.same([TAGS, given.properties.trace].map(String).map(base64), [tag, trace])
    t.equal(base64(KEYS), record?.key ?? '')
  }
  t.ok(odd.given.every(({ properties }) => properties.TAGS === 'odd'))
  t.equal(odd.given.length, sent.size / 2)
}

async function thereAndBack(t: Test, stage: OwnStage): Promise<void> {
  const { another, client, name } = stage
  const [topic, group] = [name('java-moved'), name('java-moved-group')]
  const driver = another()
  const large = { body: Buffer.alloc(50_000, 'compressible '), queue: 3 }
  await driver.send(topic, [...numbered(8, 'one-'), large])
  await driver.consume({ group, topic })
  await driver.until('the first were given', () => driver.given.length >= 9)
  await untilCommitted(stage.kafka, group, topic, 9)
  await driver.stop()
  // Go's client is a member until its connection ends.
  if (client.language === 'go') await driver.end()
  const sender = another()
  const tagged = numbered(6, 'two-').map((one) => ({ ...one, tag: 'T', keys: 'k1 k2' }))
  const sent = await sender.send(topic, [...tagged, large])
  const kafka = await kafkaJava(t, stage)
  await kafka.ask('join', { topic, group, sessionTimeoutMs })
  await waitUntil([kafka], 'Kafka has the rest', () => kafka.given.length >= 7)
  await kafka.ask('leave', {})
  const texts = (records: readonly WireRecord[]) =>
    bodies(records.map(({ value }) => ({ body: Buffer.from(value ?? '', 'base64') })))
  t.same(texts(kafka.given), bodies([...tagged, large]), 'and nothing a second time')
  t.same(
    kafka.given.map(({ partition, offset }) => `${partition}/${offset}`).sort(),
    sent.map(({ queue, offset }) => `${queue}/${offset}`).sort()
  )
  const [one] = kafka.given.filter(({ key }) => key !== null)
  t.equal(one?.key, base64('k1 k2'))
  t.same(
    one?.headers.find(([header]) => header === 'TAGS'),
    ['TAGS', base64('T')]
  )
  const back = another()
  await back.send(topic, numbered(4, 'three-'))
  await back.consume({ group, topic })
  await back.until('the last were given', () => back.given.length >= 4)
  t.same(bodies(back.given), bodies(numbered(4, 'three-')))
}
