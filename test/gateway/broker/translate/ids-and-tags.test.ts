import * as fc from 'fast-check'
import t from 'tap'
import { hostOf } from '../../../../gateway/broker/translate/hosts.ts'
import {
  decodeOffsetId,
  derivedUniqueKey,
  encodeOffsetId,
  hostText,
  parseDerivedUniqueKey
} from '../../../../gateway/broker/translate/message-ids.ts'
import {
  offsetInWindow,
  physicalOffsetOf,
  physicalPlaceOf
} from '../../../../gateway/broker/translate/physical-offset.ts'
import {
  javaHashCode,
  matchesTag,
  parseTagFilter,
  tagCode
} from '../../../../gateway/broker/translate/tags.ts'
import { runs, seed } from './arbitrary-messages.ts'

t.test('an offset id is the one that RocketMQ gave', async (t) => {
  const id = '7F000001000073470000000000000AA8'
  t.equal(encodeOffsetId(hostOf('127.0.0.1', 29511)!, 0xaa8n), id)
  t.same(decodeOffsetId(id), { storeHost: hostOf('127.0.0.1', 29511), physicalOffset: 0xaa8n })
  const long = encodeOffsetId(hostOf('::1', 10911)!, 2n ** 63n - 1n)
  t.equal(long, `${'0'.repeat(31)}1${'00002A9F'}7FFFFFFFFFFFFFFF`)
  t.equal(hostText(decodeOffsetId(long)!.storeHost), '[0:0:0:0:0:0:0:1]:10911')
  for (const bad of ['', id.slice(1), `${id}00`, 'x'.repeat(32)])
    t.equal(decodeOffsetId(bad), undefined)
})

t.test('addresses as sockets print them', async (t) => {
  const hex = (text: string) => hostOf(text, 1)?.address.toString('hex')
  t.equal(hex('10.1.2.255'), '0a0102ff')
  t.equal(hex('::ffff:10.1.2.255'), '0a0102ff')
  t.equal(hex('::'), '0'.repeat(32))
  t.equal(hex('fe80::1:2%eth0'), 'fe800000000000000000000000010002')
  t.equal(hex('1:2:3:4:5:6:7:8'), '00010002000300040005000600070008')
  t.equal(hex('1:2:3:4:5:6:7::'), '00010002000300040005000600070000')
  const bad = [
    'localhost',
    '1.2.3',
    '1.2.3.256',
    ':',
    '1:2',
    '::1::',
    ':::',
    '1:2:3:4:5:6:7:8::',
    '::g'
  ]
  for (const text of bad) t.equal(hostOf(text, 1), undefined, text)
})

const queue = fc.integer({ min: 1, max: 2 ** 24 - 1 })
const offset = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 50 }))

t.test(`a physical offset finds its record while it is there (SEED=${seed})`, async (t) => {
  await fc.assert(
    fc.property(queue, offset, fc.nat(), fc.nat(), (queue, offset, before, after) => {
      const physical = physicalOffsetOf(queue, offset)
      if (physical < 0n || physical >= 2n ** 63n) return false
      const place = physicalPlaceOf(physical)
      if (place?.queue !== queue) return false
      const logStartOffset = Math.max(0, offset - before)
      const there = { logStartOffset, highWatermark: offset + 1 + after }
      const gone = { logStartOffset: offset + 1, highWatermark: offset + 1 + after }
      const notYet = { logStartOffset, highWatermark: offset }
      return (
        offsetInWindow(place.lowOffset, there) === offset &&
        offsetInWindow(place.lowOffset, gone) === undefined &&
        offsetInWindow(place.lowOffset, notYet) === undefined
      )
    }),
    runs
  )
  t.equal(physicalOffsetOf(2 ** 24 - 1, 2 ** 39 - 1), 2n ** 63n - 1n)
  t.equal(physicalPlaceOf(-1n), undefined)
  t.equal(physicalPlaceOf(2n ** 39n - 1n), undefined, 'queue 0 is no queue')
})

t.test(`a derived unique key says where its record is (SEED=${seed})`, async (t) => {
  const topicId = fc.string({
    unit: fc.constantFrom(...'0123456789abcdef'),
    minLength: 32,
    maxLength: 32
  })
  await fc.assert(
    fc.property(topicId, queue, offset, (topicId, queue, offset) => {
      const key = derivedUniqueKey(topicId, queue, offset)
      const parsed = parseDerivedUniqueKey(key)
      return (
        /^[0-9A-F]{32}$/.test(key) &&
        parsed?.queue === queue &&
        parsed.lowOffset === offset % 2 ** 39 &&
        topicId.startsWith(parsed.topicIdStart)
      )
    }),
    runs
  )
  t.equal(parseDerivedUniqueKey('7F0000010CA918B4AAC20EC4DFE40000'), undefined)
  t.equal(parseDerivedUniqueKey('u1'), undefined)
})

t.test("hash codes are Java's", async (t) => {
  t.equal(javaHashCode(''), 0)
  t.equal(javaHashCode('TagA'), 2598919)
  t.equal(javaHashCode('polygenelubricants'), -(2 ** 31))
  t.equal(javaHashCode('Aa'), javaHashCode('BB'))
  t.equal(javaHashCode('組'), 0x7d44)
  t.equal(tagCode(undefined), 0)
})

t.test('a tag filter matches its tags and nothing that only shares a hash code', async (t) => {
  const filter = parseTagFilter(' Aa||TagB || ')!
  t.same([...filter.tags!], ['Aa', 'TagB'])
  t.ok(filter.codes.has(javaHashCode('BB')))
  t.equal(matchesTag(filter, 'Aa'), true)
  t.equal(matchesTag(filter, 'TagB'), true)
  t.equal(matchesTag(filter, 'BB'), false)
  t.equal(matchesTag(filter, undefined), false)
  for (const every of ['', '*']) t.equal(matchesTag(parseTagFilter(every)!, undefined), true)
  t.equal(parseTagFilter('||'), undefined)
})
