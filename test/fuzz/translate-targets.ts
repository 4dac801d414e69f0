/** Records as messages and back. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { deflateSync as zlib } from 'node:zlib'
import {
  type DecodedMessage,
  decodeClientBatch,
  decodeMessage,
  editSentProperties,
  encodeClientBatch,
  encodeMessage,
  formatProperties,
  inflateBody,
  isMessageFault,
  type Message,
  type MessagePlace,
  parseProperties,
  propertyMap,
  propertyOf,
  RecordMessage,
  recordOfMessage
} from '../../gateway/broker/translate/index.ts'
import { deflateSync as deflateBlock } from '../../storage/batch/compression.ts'
import { CompressionError } from '../../storage/batch/compression-limits.ts'
import { encodeBatch } from '../../storage/batch/encode-batch.ts'
import { isBatchFault, parseBatch, storedBatch } from '../../storage/batch/parse-batch.ts'
import { decodeRecords } from '../../storage/batch/records.ts'
import type { Origin } from '../../storage/contract.ts'
import { packBatch, recordsOf } from '../gateway/broker/translate/packed.ts'
import { fixture } from '../support/fixtures.ts'
import { withLengthAndCrc } from './batch-targets.ts'
import type { FuzzTarget } from './fuzz.ts'

const topicId = '00112233445566778899aabbccddeeff'
const sourceOf = (origin: Origin) => ({ origin, topicId, queue: 5, appendTimeMs: 1 }) as const
const place: MessagePlace = {
  topic: Buffer.from('topic'),
  queueId: 3,
  queueOffset: 42,
  physicalOffset: 1n << 40n,
  storeTimestampMs: 1,
  storeHost: { address: Buffer.from([127, 0, 0, 1]), port: 10_911 }
}

/** What of a message its record has to keep. */
function fieldsOf(one: Message) {
  const { flag, sysFlag, bornTimestampMs, bornHost, reconsumeTimes, preparedOffset } = one
  const { properties, body } = one
  const hosts = 0x30
  return {
    ...{ flag, sysFlag: sysFlag & ~hosts, bornTimestampMs, reconsumeTimes, preparedOffset },
    ...{ properties, body, bornHost: { ...bornHost } }
  }
}

function assertSame(one: Message, other: Message, what: string): void {
  assert(isDeepStrictEqual(fieldsOf(one), fieldsOf(other)), what)
}

/** All of one message after the other. */
function decodeAll(input: Buffer): DecodedMessage[] | undefined {
  const all: DecodedMessage[] = []
  for (let at = 0; at < input.length; ) {
    const one = decodeMessage(input, at)
    if (isMessageFault(one)) return undefined
    assert(one.bytes > 0, 'a message takes bytes')
    all.push(one)
    at += one.bytes
  }
  return all
}

/** A message that was taken comes back from its record as it was. */
function assertStored(message: Message): void {
  const record = recordOfMessage(message)
  if (isMessageFault(record)) return
  const [stored] = recordsOf(packBatch([record]))
  assert(stored !== undefined)
  const back = new RecordMessage(stored, sourceOf('rocketmq'))
  assertSame(back, message, 'the record is another message')
  assert.equal(back.tag, propertyMap(message.properties).get('TAGS'))
}

export const storedMessages: FuzzTarget = {
  name: 'messages',
  claim: 'bytes are messages, which come back from their records as they were, or a fault',
  seeds: () =>
    ['pull-java-sends', 'pull-java-transaction', 'pull-raw-properties'].flatMap((name) => {
      const bytes = fixture(`rocketmq/${name}`)
      const [first] = decodeAll(bytes) ?? []
      return first === undefined ? [bytes] : [bytes, bytes.subarray(0, first.bytes)]
    }),
  check: (input) => {
    const all = decodeAll(input)
    for (const { message, place } of all ?? []) {
      const again = decodeMessage(encodeMessage(message, place))
      if (isMessageFault(again)) throw new Error(`what was read is written as none: ${again.text}`)
      assertSame(again.message, message, 'it is read as another')
      assertStored(message)
    }
    return all !== undefined
  }
}

export const clientBatches: FuzzTarget = {
  name: 'client-batches',
  claim: "a client's batch is messages, to be written again, or a fault",
  seeds: () => [fixture('rocketmq/client-batch-java')],
  check: (input) => {
    const all = decodeClientBatch(input)
    if (isMessageFault(all)) return false
    const again = decodeClientBatch(encodeClientBatch(all))
    assert(isDeepStrictEqual(again, all), 'it is read as another')
    return true
  }
}

const marks = { region: 'r', traceOn: true, cluster: 'c' }
const replaced = ['MSG_REGION', 'TRACE_ON', 'CLUSTER', 'WAIT', 'POP_CK', 'UNIQ_KEY']

export const properties: FuzzTarget = {
  name: 'properties',
  claim: 'any bytes are properties, of which an edit changes what it names and nothing else',
  seeds: () => {
    const texts = [
      'a\u0001b\u0002TAGS\u0001x\u0002KEYS\u0001k1 k2',
      'UNIQ_KEY\u0001u\u0002WAIT\u0001true\u0002CLUSTER\u0001other\u0002größe\u0001組\u0002',
      '\u0001\u0002\u0002\u0001a\u0002b\u0001\u0002POP_CK\u0001x\u0001y\u0002WAIT'
    ]
    return texts.map((text) => Buffer.from(text))
  },
  check: (input) => {
    const { all, isWhole, endsSeparated } = parseProperties(input)
    if (isWhole) {
      const written = formatProperties(all.map(({ nameBytes, value }) => [nameBytes, value]))
      const bytes = endsSeparated ? written : written.subarray(0, -1)
      assert(bytes.equals(input), 'they are written as others')
    }
    const before = propertyMap(input)
    const edited = editSentProperties(input, marks, () => 'made')
    const after = propertyMap(edited.properties)
    assert.equal(after.get('UNIQ_KEY'), edited.uniqueKey)
    assert.deepEqual([after.get('MSG_REGION'), after.get('TRACE_ON')], ['r', 'true'])
    for (const name of replaced) for (const map of [before, after]) map.delete(name)
    assert.deepEqual([...after], [...before], 'others changed')
    // A name that is no UTF-8 cannot be asked for.
    for (const [name, value] of before)
      if (!name.includes('\ufffd')) assert.equal(propertyOf(input, name), value)
    return isWhole
  }
}

const text = (one: string) => Buffer.from(one)
const header = (name: string, value: string | null) => {
  return { name: text(name), value: value === null ? null : text(value) }
}

export const kafkaRecords: FuzzTarget = {
  name: 'kafka-records',
  claim: "any record of Kafka's is a message for RocketMQ's clients, whose bytes they can read",
  seeds: () => [
    fixture('kafka/batch-java-none'),
    ...[
      [{ timestamp: -1, key: null, value: null }],
      [{ timestamp: 1, key: text('k'), value: text('v'), headers: [header('TAGS', 't')] }],
      [{ timestamp: 2 ** 52, value: text(''), headers: [header('rmq', 'x'), header('', null)] }],
      [{ timestamp: 3, key: text('a\u0001b'), headers: [header('KAFKA_KEY', 'null')] }]
    ].map((records) => encodeBatch(records).bytes)
  ],
  mend: withLengthAndCrc,
  check: (input) => {
    const batch = parseBatch(input, 0, { ...storedBatch, records: true })
    if (isBatchFault(batch) || (batch.attributes & 7) !== 0) return false
    for (const record of decodeRecords(batch, batch.bytes.subarray(61))) {
      // A Kafka client's header `rmq` means nothing; of a run of RocketMQ's it is read, whatever is in it.
      for (const origin of ['kafka', 'rocketmq'] as const) {
        const message = new RecordMessage(record, sourceOf(origin))
        const decoded = decodeMessage(encodeMessage(message, place))
        if (isMessageFault(decoded)) throw new Error(`unreadable: ${decoded.text}`)
        assertSame(decoded.message, message, 'it is read as another')
        assert.equal(message.tag, propertyMap(message.properties).get('TAGS'))
        recordOfMessage(message)
      }
    }
    return true
  }
}

/** One byte in front says which: sysFlags of zlib, lz4, zstd, and zlib as older clients say it. */
const bodyFlags = [0x301, 0x101, 0x201, 0x001]
const inflatedMax = 1024 * 1024

export const compressedBodies: FuzzTarget = {
  name: 'compressed-bodies',
  claim: 'a compressed body is inflated up to the limit, or a CompressionError',
  seeds: () => {
    const plain = Buffer.from('a body '.repeat(100))
    const bomb = Buffer.alloc(24 * inflatedMax)
    const bodies = [plain, bomb].map((one) => Buffer.concat([Buffer.from([0]), zlib(one)]))
    const lz4 = Buffer.concat([Buffer.from([1]), deflateBlock('lz4', plain)])
    const zstd = fixture('kafka/batch-java-zstd').subarray(61)
    return [...bodies, lz4, Buffer.concat([Buffer.from([2]), zstd])]
  },
  check: async (input) => {
    if (input.length === 0) return false
    const flag = bodyFlags[input.readUInt8(0) % bodyFlags.length] ?? 0
    try {
      const body = await inflateBody(input.subarray(1), flag, inflatedMax)
      assert(body.length <= inflatedMax, `${body.length} bytes came out`)
      return true
    } catch (error) {
      if (error instanceof CompressionError) return false
      throw error
    }
  }
}
