// A Kafka client's record: what RocketMQ's clients get of it, and what it is when they send it on.
import * as fc from 'fast-check'
import t from 'tap'
import { hostOf, noHost } from '../../../../gateway/broker/translate/hosts.ts'
import {
  encodeMessage,
  messageBytes,
  propertiesBytesMax
} from '../../../../gateway/broker/translate/message-codec.ts'
import {
  RecordMessage,
  rocketmqFrameBytesMax
} from '../../../../gateway/broker/translate/message-of-record.ts'
import { parseProperties, propertyMap } from '../../../../gateway/broker/translate/properties.ts'
import { drivesRocketmq } from '../../../../gateway/broker/translate/property-names.ts'
import { encodeBatch } from '../../../../storage/batch/encode-batch.ts'
import {
  arbitraryPlace,
  arbitraryRecord,
  type KafkaRecord,
  runs,
  seed
} from './arbitrary-messages.ts'
import { decoded } from './decoded.ts'
import { recordsOf, storedRecord } from './packed.ts'

const source = {
  origin: 'kafka',
  topicId: '00112233445566778899aabbccddeeff',
  queue: 5,
  appendTimeMs: 1700000000123
} as const

function carried(record: KafkaRecord, offset = 42): RecordMessage {
  const [stored] = recordsOf(encodeBatch([record], { baseOffset: offset }))
  return new RecordMessage(stored!, source)
}

const bytes = (text: string) => Buffer.from(text)
const header = (name: string, value: string | Buffer | null) => ({
  name: bytes(name),
  value: typeof value === 'string' ? bytes(value) : value
})
const record = (parts: Partial<KafkaRecord>): KafkaRecord => ({
  timestamp: 1700000000000,
  key: null,
  value: bytes('value'),
  headers: [],
  ...parts
})
const propertiesOf = (parts: Partial<KafkaRecord>) => {
  const all = propertyMap(carried(record(parts)).properties)
  all.delete('UNIQ_KEY')
  return Object.fromEntries(all)
}

t.test('an ordinary record: key, headers and tag by their names', async (t) => {
  const headers = [header('trace', 'id-1'), header('TAGS', 'TagA'), header('größe', '組')]
  const message = carried(record({ key: bytes('order 7'), headers }))
  t.equal(
    message.properties.toString(),
    'UNIQ_KEY\u000100112233000002800000000000000' +
      '02A\u0002KEYS\u0001order 7\u0002trace\u0001id-1\u0002TAGS\u0001TagA\u0002größe\u0001組\u0002'
  )
  t.equal(message.body.toString(), 'value')
  t.equal(message.tag, 'TagA')
  t.equal(message.tagCode, 2598919)
  t.equal(message.bornTimestampMs, 1700000000000)
  t.equal(message.storeTimestampMs, 1700000000123)
  t.equal(message.bornHost, noHost)
  t.equal(message.offset, 42)
  t.same([message.flag, message.sysFlag, message.reconsumeTimes], [0, 0, 0])
})

t.test('what properties cannot say is marked', async (t) => {
  t.same(propertiesOf({ value: null }), { KAFKA_VALUE: 'null' })
  t.same(propertiesOf({ key: bytes('') }), { KAFKA_KEY: 'empty' })
  t.same(propertiesOf({ key: Buffer.from([0xff, 0]) }), { KEYS: '/wA=', KAFKA_KEY: 'base64' })
  t.same(propertiesOf({ key: bytes('a\u0001b%') }), { KEYS: 'a%01b%25', KAFKA_KEY: 'escaped' })
  t.same(propertiesOf({ key: bytes('a%b') }), { KEYS: 'a%b' })
  t.same(propertiesOf({ key: Buffer.alloc(40_000, 'k') }), { KAFKA_KEY: 'left-out' })
  t.same(propertiesOf({ headers: [header('a', null)] }), { KAFKA_NULL_1_a: 'null' })
  t.same(propertiesOf({ headers: [header('a', '')] }), { KAFKA_EMPTY_1_a: 'empty' })
  t.same(propertiesOf({ headers: [header('a', Buffer.from([0xff]))] }), {
    KAFKA_BASE64_1_a: '/w=='
  })
  t.same(propertiesOf({ headers: [header('a', 'x\u0002y')] }), { KAFKA_TEXT_1_a: 'x%02y' })
  t.same(propertiesOf({ headers: [header('a\u0001%', 'x')] }), { 'KAFKA_TEXT_1_a%01%25': 'x' })
  t.same(propertiesOf({ headers: [header('', 'x')] }), { KAFKA_TEXT_1_: 'x' })
  t.same(propertiesOf({ headers: [{ name: Buffer.from([0x61, 0xff]), value: bytes('x') }] }), {
    'KAFKA_TEXT_1_a%FF': 'x'
  })
  t.same(propertiesOf({ headers: [header('a', '1'), header('a', '2'), header('a', null)] }), {
    a: '1',
    KAFKA_TEXT_2_a: '2',
    KAFKA_NULL_3_a: 'null'
  })
})

t.test('a header drives none of RocketMQ’s machinery', async (t) => {
  const names = ['DELAY', 'UNIQ_KEY', 'KEYS', 'REAL_TOPIC', '__RMQ.TRANSIENT.x', 'KAFKA_VALUE']
  for (const name of names) {
    t.same(propertiesOf({ headers: [header(name, 'x')] }), { [`KAFKA_TEXT_1_${name}`]: 'x' })
  }
})

t.test(`RocketMQ reads each property, and only what is meant for it (SEED=${seed})`, async (t) => {
  const ours = new Set(['UNIQ_KEY', 'KEYS'])
  await fc.assert(
    fc.property(arbitraryRecord, (record) => {
      const { properties, body } = carried(record)
      const { all, isWhole } = parseProperties(properties)
      const map = propertyMap(properties)
      const driving = all.filter(({ name }) => drivesRocketmq(name) && !ours.has(name))
      // Go's client takes a pair that has more than one separator for none.
      const pairs = properties.toString().split('\u0002').slice(0, -1)
      const once = pairs.every((pair) => pair.split('\u0001').length === 2)
      const whole = isWhole && map.size === all.length && driving.length === 0 && once
      return whole && body.equals(record.value ?? Buffer.alloc(0))
    }),
    runs
  )
  t.pass()
})

t.test(`sent on, a record is what it was (SEED=${seed})`, async (t) => {
  await fc.assert(
    fc.property(arbitraryRecord, arbitraryPlace, (record, place) => {
      const message = carried(record)
      const frame = encodeMessage(message, place)
      const [received] = decoded(frame)
      const again = storedRecord(received!.message)
      const added = message.property('KEYS') !== undefined && !message.property('KAFKA_KEY') ? 2 : 1
      // UNIQ_KEY first, then KEYS where that says the key as it is; `rmq` last.
      const headers = again.headers.slice(added, -1)
      const same = (a: Buffer | null, b: Buffer | null) =>
        a === null || b === null ? a === b : a.equals(b)
      return (
        same(again.key, record.key) &&
        same(again.value, record.value) &&
        headers.length === record.headers.length &&
        headers.every(
          ({ name, value }, i) =>
            same(name, record.headers[i]!.name) && same(value, record.headers[i]!.value)
        ) &&
        received!.message.bornTimestampMs === record.timestamp &&
        encodeMessage(new RecordMessage(again, { ...source, origin: 'rocketmq' }), place).equals(
          frame
        )
      )
    }),
    runs
  )
  t.pass()
})

t.test('headers without room are left out from the end, and counted', async (t) => {
  const headers = Array.from({ length: 1000 }, (_, i) => header(`header-${i}`, 'x'.repeat(100)))
  const { properties } = carried(record({ headers }))
  t.ok(properties.length <= propertiesBytesMax)
  t.ok(properties.length > propertiesBytesMax - 150, 'and no more than need be')
  const map = propertyMap(properties)
  const kept = headers.findIndex(({ name }) => !map.has(name.toString()))
  t.equal(map.get('KAFKA_TRUNCATED'), String(1000 - kept))
  for (let i = kept; i < 1000; i++) t.notOk(map.has(`header-${i}`))
})

t.test(`properties never pass the limit, whatever it is (SEED=${seed})`, async (t) => {
  const large = fc.integer({ min: 0, max: 40_000 }).map((count) => Buffer.alloc(count, 'x'))
  const headers = fc.array(fc.record({ name: large, value: large }), { maxLength: 4 })
  await fc.assert(
    fc.property(
      fc.option(large),
      headers,
      fc.integer({ min: 512, max: 32_767 }),
      (key, all, max) => {
        const message = carried(record({ key, headers: all }))
        const properties = message.carried(max)
        const map = propertyMap(properties)
        const left = Number(map.get('KAFKA_TRUNCATED') ?? 0)
        const fixed = ['UNIQ_KEY', 'KEYS', 'KAFKA_KEY', 'KAFKA_TRUNCATED'].filter((n) => map.has(n))
        return properties.length <= max && map.size - fixed.length === all.length - left
      }
    ),
    { ...runs, numRuns: 200 }
  )
  t.pass()
})

t.test('exactly full properties need no count', async (t) => {
  const room = propertiesBytesMax - carried(record({})).properties.length - 'a'.length - 2
  const full = carried(record({ headers: [header('a', 'x'.repeat(room))] }))
  t.equal(full.properties.length, propertiesBytesMax)
  t.equal(full.property('KAFKA_TRUNCATED'), undefined)
  const over = carried(record({ headers: [header('a', 'x'.repeat(room + 1))] }))
  t.equal(over.property('KAFKA_TRUNCATED'), '1')
})

t.test('what fits no frame says so', async (t) => {
  t.equal(carried(record({ value: Buffer.alloc(16_000_000) })).isTooLarge, false)
  t.equal(carried(record({ value: Buffer.alloc(16_770_000) })).isTooLarge, true)
  const largest = carried(record({ value: Buffer.alloc(16_760_000) }))
  t.equal(largest.isTooLarge, false)
  const storeHost = hostOf('::1', 10911)!
  const place = {
    topic: Buffer.alloc(255, 't'),
    queueId: 0,
    queueOffset: 0,
    physicalOffset: 0n,
    storeTimestampMs: 0,
    storeHost
  }
  t.ok(messageBytes(largest, place) < rocketmqFrameBytesMax - 1000)
  t.equal(largest.bytesFor(255, storeHost), messageBytes(largest, place))
})
