import * as fc from 'fast-check'
import t from 'tap'
import { hostOf } from '../../../../gateway/broker/translate/hosts.ts'
import {
  bodyCrc,
  decodeMessage,
  decodeMessages,
  encodeMessage,
  isMessageFault,
  messageBytes
} from '../../../../gateway/broker/translate/message-codec.ts'
import { propertyMap } from '../../../../gateway/broker/translate/properties.ts'
import { fixture } from '../../../support/fixtures.ts'
import { arbitraryMessage, arbitraryPlace, runs } from './arbitrary-messages.ts'
import { decoded } from './decoded.ts'

for (const name of ['pull-java-sends', 'pull-java-transaction', 'pull-raw-properties']) {
  t.test(`${name}: what RocketMQ wrote is read, and written again byte for byte`, async (t) => {
    const bytes = fixture(`rocketmq/${name}`)
    const all = decoded(bytes)
    for (const one of all) t.equal(one.bodyCrc, bodyCrc(one.message.body))
    t.same(Buffer.concat(all.map(({ message, place }) => encodeMessage(message, place))), bytes)
  })
}

t.test("the Java client's message is read field by field", async (t) => {
  const [first] = decoded(fixture('rocketmq/pull-java-sends'))
  const { message, place } = first!
  t.equal(message.flag, 7)
  t.equal(message.sysFlag, 0)
  t.equal(message.bornTimestampMs, 1795392643436)
  t.same(message.bornHost, hostOf('127.0.0.1', 55162))
  t.equal(message.reconsumeTimes, 0)
  t.equal(message.preparedOffset, 0n)
  t.equal(message.body.toString(), 'a body')
  t.equal(place.topic.toString(), 'golden')
  t.equal(place.queueId, 0)
  t.equal(place.queueOffset, 0)
  t.equal(place.physicalOffset, 0xaa8n)
  t.same(place.storeHost, hostOf('127.0.0.1', 29511))
  const properties = propertyMap(message.properties)
  t.equal(properties.get('TAGS'), 'TagA')
  t.equal(properties.get('KEYS'), 'key-1 key-2')
  t.equal(properties.get('größe'), 'zwölf 組')
})

t.test('any message comes back as it was, with IPv6 hosts and long topics too', async (t) => {
  await fc.assert(
    fc.property(arbitraryMessage, arbitraryPlace, (message, place) => {
      const bytes = encodeMessage(message, place)
      if (bytes.length !== messageBytes(message, place)) return false
      const one = decodeMessage(bytes)
      if (isMessageFault(one)) return false
      return encodeMessage(one.message, one.place).equals(bytes) && one.bytes === bytes.length
    }),
    runs
  )
  t.pass()
})

t.test('a message cut short or changed anywhere is read or refused, never more', async (t) => {
  const bytes = fixture('rocketmq/pull-java-transaction')
  for (let end = 0; end < bytes.length; end++) {
    t.match(decodeMessage(bytes.subarray(0, end)), { fault: 'length' })
  }
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 0x7f, 0x80, 0xff]) {
      const changed = Buffer.from(bytes)
      changed[at] = value
      decodeMessages(changed)
    }
  }
})

t.test('arbitrary bytes never throw', async (t) => {
  const head = fixture('rocketmq/pull-java-transaction').subarray(0, 40)
  await fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(40), (tail, kept) => {
      const bytes = Buffer.concat([head.subarray(0, kept), tail])
      if (kept >= 4) bytes.writeInt32BE(bytes.length, 0)
      decodeMessages(bytes)
    }),
    runs
  )
  t.pass()
})
