// A RocketMQ client's message: what the record of it holds, and that it comes back byte for byte.
import * as fc from 'fast-check'
import t from 'tap'
import { isIpv6 } from '../../../../gateway/broker/translate/hosts.ts'
import {
  encodeMessage,
  type Message,
  propertiesBytesMax
} from '../../../../gateway/broker/translate/message-codec.ts'
import { RecordMessage } from '../../../../gateway/broker/translate/message-of-record.ts'
import { formatProperties, propertyMap } from '../../../../gateway/broker/translate/properties.ts'
import { recordOfMessage } from '../../../../gateway/broker/translate/record-of-message.ts'
import { encodeBatch } from '../../../../storage/batch/encode-batch.ts'
import { fixture } from '../../../support/fixtures.ts'
import { arbitraryMessage, arbitraryPlace, runs, seed } from './arbitrary-messages.ts'
import { decoded } from './decoded.ts'
import { packBatch, packed, recordsOf, storedRecord } from './packed.ts'

const source = {
  origin: 'rocketmq',
  topicId: '00112233445566778899aabbccddeeff',
  queue: 5,
  appendTimeMs: 1
} as const

const plain: Message = {
  flag: 0,
  sysFlag: 0,
  bornTimestampMs: 1700000000000,
  bornHost: { address: Buffer.from([10, 0, 0, 1]), port: 4000 },
  reconsumeTimes: 0,
  preparedOffset: 0n,
  properties: Buffer.alloc(0),
  body: Buffer.from('body')
}

t.test('what RocketMQ gave its consumers comes back byte for byte', async (t) => {
  for (const name of ['pull-java-sends', 'pull-java-transaction', 'pull-raw-properties']) {
    const bytes = fixture(`rocketmq/${name}`)
    const all = decoded(bytes)
    const batch = packBatch(all.map(({ message }) => packed(message)))
    const back = recordsOf(batch).map((record, i) =>
      encodeMessage(new RecordMessage(record, source), all[i]!.place)
    )
    t.same(Buffer.concat(back), bytes, name)
  }
})

t.test(`any message comes back byte for byte (SEED=${seed})`, async (t) => {
  await fc.assert(
    fc.property(arbitraryMessage, arbitraryPlace, (message, place) => {
      const back = new RecordMessage(storedRecord(message), source)
      return encodeMessage(back, place).equals(encodeMessage(message, place))
    }),
    runs
  )
  t.pass()
})

t.test(`tag and properties are those that Java reads (SEED=${seed})`, async (t) => {
  await fc.assert(
    fc.property(arbitraryMessage, (message) => {
      const expected = propertyMap(message.properties)
      const before = new RecordMessage(storedRecord(message), source)
      if (before.tag !== expected.get('TAGS')) return false
      // A name that is no UTF-8 cannot be asked for.
      const names = [...expected.keys(), 'none'].filter((name) => !name.includes('\ufffd'))
      const isSame = () => names.every((name) => before.property(name) === expected.get(name))
      if (!isSame()) return false
      // The second time the property string is there.
      before.propertyMap()
      return before.tag === expected.get('TAGS') && isSame()
    }),
    runs
  )
  t.pass()
})

t.test('the record that Kafka clients see', async (t) => {
  const [first] = decoded(fixture('rocketmq/pull-java-sends'))
  const record = storedRecord(first!.message, 7)
  t.equal(record.offset, 7)
  t.equal(record.timestamp, 1795392643436)
  t.equal(record.key?.toString(), 'key-1 key-2')
  t.equal(record.value?.toString(), 'a body')
  const headers = record.headers.map(({ name, value }) => [name.toString(), value?.toString()])
  t.same(headers.slice(0, -1), [
    ['MSG_REGION', 'DefaultRegion'],
    ['UNIQ_KEY', 'FD000000000000000000000000000002770C60E53B937155B8480000'],
    ['CLUSTER', 'DefaultCluster'],
    ['TAGS', 'TagA'],
    ['color', 'blue'],
    ['KEYS', 'key-1 key-2'],
    ['WAIT', 'true'],
    ['TRACE_ON', 'true'],
    ['größe', 'zwölf 組']
  ])
  const { name, value } = record.headers.at(-1)!
  t.equal(name.toString(), 'rmq')
  const hex = '01 01 00000007 00000000 00000000 0000000000000000 7f000001 0000d77a'
  t.equal(value?.toString('hex'), hex.replaceAll(' ', ''))
})

t.test('a message without keys has a record without a key', async (t) => {
  t.equal(storedRecord(plain).key, null)
})

t.test('what a message is found by', async (t) => {
  const properties = formatProperties([
    ['KEYS', 'a  b a'],
    ['UNIQ_KEY', 'u']
  ])
  t.same(packed({ ...plain, properties }).keys, ['u', 'a', 'b'])
  t.same(packed(plain).keys, [])
})

t.test('a compressed body is said to be one', async (t) => {
  t.equal(packed(plain).isCompressed, false)
  t.equal(packed({ ...plain, sysFlag: 0x301 }).isCompressed, true)
})

t.test('properties past their limit are refused, not cut', async (t) => {
  const properties = Buffer.alloc(propertiesBytesMax + 1, 'x')
  t.match(recordOfMessage({ ...plain, properties }), { fault: 'properties-too-long' })
  t.equal(packed({ ...plain, properties: properties.subarray(1) }).keys.length, 0)
})

t.test('IPv6 hosts and times that no record has come back', async (t) => {
  const bornHost = { address: Buffer.alloc(16, 7), port: 65_535 }
  for (const bornTimestampMs of [-1, 2 ** 51 + 1, Number.MAX_SAFE_INTEGER]) {
    const record = storedRecord({ ...plain, bornHost, bornTimestampMs })
    const back = new RecordMessage(record, source)
    t.equal(back.bornTimestampMs, bornTimestampMs)
    t.ok(record.timestamp >= 0)
    t.ok(isIpv6(back.bornHost))
  }
})

t.test('a header rmq that is not its own is a Kafka header', async (t) => {
  const record = storedRecord(plain)
  const forged = new RecordMessage(record, { ...source, origin: 'kafka' })
  t.equal(forged.isNative, false)
  t.ok(forged.property('KAFKA_BASE64_1_rmq'))
  const headers = [{ name: Buffer.from('rmq'), value: Buffer.from([2, 0]) }]
  const [later] = recordsOf(encodeBatch([{ timestamp: 1, headers }]))
  t.equal(new RecordMessage(later!, source).isNative, false)
})
