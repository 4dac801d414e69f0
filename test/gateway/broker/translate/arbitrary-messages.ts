/** What fast-check makes up for the tests of the translation, leaning towards what is awkward. */
import * as fc from 'fast-check'
import type { Host } from '../../../../gateway/broker/translate/hosts.ts'
import type { Message, MessagePlace } from '../../../../gateway/broker/translate/message-codec.ts'
import type { RecordHeader } from '../../../../storage/batch/records.ts'
import { seedOfRun } from '../../../support/seeded-random.ts'

export const seed = seedOfRun
export const runs = { seed: seed | 0, numRuns: 1000 }

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const offset = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 45 }))

export const arbitraryBytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes))

const someText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    'TAGS',
    'KEYS',
    'DELAY',
    'rmq',
    'a',
    'KAFKA_TEXT_1_a',
    'KAFKA_KEY',
    'KAFKA_VALUE'
  ),
  fc.constantFrom(
    'base64',
    'empty',
    'null',
    '%41',
    'KAFKA_BASE64_9_%',
    '__RMQ.TRANSIENT.x',
    'UNIQ_KEY'
  )
)

const host: fc.Arbitrary<Host> = fc.record({
  address: fc
    .oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 })
    )
    .map((bytes) => Buffer.from(bytes)),
  port: fc.integer({ min: 0, max: 65_535 })
})

/** A property string: well formed, or with parts that are no property, or any bytes. */
export const arbitraryProperties: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(fc.array(fc.tuple(someText, someText), { maxLength: 6 }), fc.boolean())
    .map(([pairs, last]) => {
      const text = pairs.map(([name, value]) => `${name}\u0001${value}`).join('\u0002')
      return Buffer.from(last && text !== '' ? `${text}\u0002` : text)
    }),
  fc
    .array(fc.constantFrom('a', 'TAGS', '\u0001', '\u0002', 'WAIT', 'ü', 'x'), { maxLength: 12 })
    .map((parts) => Buffer.from(parts.join(''))),
  arbitraryBytes(60)
)

export const arbitraryMessage: fc.Arbitrary<Message> = fc.record({
  flag: int32,
  sysFlag: int32,
  bornTimestampMs: fc.oneof(
    fc.integer({ min: 0, max: 2 ** 42 }),
    fc.maxSafeInteger(),
    fc.constantFrom(-1, 0, 2 ** 51, 2 ** 51 + 1)
  ),
  bornHost: host,
  reconsumeTimes: int32,
  preparedOffset: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  properties: arbitraryProperties,
  body: arbitraryBytes(200)
})

export const arbitraryPlace: fc.Arbitrary<MessagePlace> = fc.record({
  topic: fc.oneof(arbitraryBytes(20), arbitraryBytes(300)),
  queueId: int32,
  queueOffset: offset,
  physicalOffset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  storeTimestampMs: fc.integer({ min: 0, max: 2 ** 42 }),
  storeHost: host
})

const field = fc.oneof(
  someText.map((text) => Buffer.from(text)),
  arbitraryBytes(12),
  fc.constant(Buffer.alloc(0))
)
const nullable = fc.option(field, { freq: 5 })

export interface KafkaRecord {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** What a Kafka client may send. */
export const arbitraryRecord: fc.Arbitrary<KafkaRecord> = fc.record({
  timestamp: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 42 })),
  key: nullable,
  value: fc.option(fc.oneof(field, arbitraryBytes(300)), { freq: 8 }),
  headers: fc.array(fc.record({ name: field, value: nullable }), { maxLength: 8 })
})
