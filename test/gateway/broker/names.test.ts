import fc from 'fast-check'
import t from 'tap'
import {
  groupNamesFromKafka,
  groupNamesFromRocketmq,
  isReachableFromRocketmq,
  kafkaGroupNameFault,
  kafkaTopicNameFault,
  lookalikeKey,
  looksAlike,
  rocketmqGroupNameFault,
  rocketmqTopicNameFault,
  toKafkaGroupName,
  toKafkaTopicName,
  topicNamesFromKafka,
  topicNamesFromRocketmq,
  toRocketmqGroupName,
  toRocketmqTopicName
} from '../../../gateway/broker/names.ts'
import { seedOfRun } from '../../support/seeded-random.ts'

const seed = seedOfRun
const runs = { seed: seed | 0, numRuns: 5000 }

/** Few characters and whole escapes, so that the interesting names come up often. */
function text(units: readonly string[], maxLength: number): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...units), { minLength: 1, maxLength })
    .map((parts) => parts.join(''))
}

const kafkaTopics = text(['a', 'B', '9', '.', '-', '_', '.25', '.7C', '2E', 'rmq.', 'name.'], 12)
const rocketmqTopics = text(
  [
    'a',
    'B',
    '9',
    '-',
    '_',
    '|2E',
    '|2e',
    '|25',
    '|7C',
    '|',
    '%',
    '2E',
    'rmq|2E',
    '%RETRY%',
    'name'
  ],
  12
)
const kafkaGroups = fc.oneof(
  text(['a', '.', '|', '%', ' ', 'é', '組', '😀', 'rmq.name.', '.25', '.7C', '|2E'], 10),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
)
const rocketmqGroups = text(
  ['a', '|', '%', '|2E', '|E7|B5|84', '|E7', '|7C', '|41', 'rmq|2Ename|2E', '_'],
  10
)

t.test('names of topics', async (t) => {
  const pairs: [kafka: string, rocketmq: string, why: string][] = [
    ['orders', 'orders', 'what both alphabets have is the same'],
    ['orders.eu-1_x', 'orders|2Eeu-1_x', 'a dot is escaped'],
    ['rmq.name.a.25b.7C', 'a%b|', 'what Kafka lacks gets the prefix'],
    ['rmq.name.a.7C41', 'a|41', 'an escape of what needs none is a bar like any other'],
    ['rmq.name.a.7C2e', 'a|2e', 'an escape in lower case too'],
    ['rmq.name..7C2E', '|2E', 'so is one that would decode to no name'],
    ['rmq.name.rmq.7C2Ex', 'rmq|2Ex', 'and one that would decode to a reserved name'],
    ['rmq.retry.g', '%RETRY%g', "a group's retry topic"],
    ['rmq.retry.a.7C2Eb', '%RETRY%a|2Eb', 'of a group with a dot'],
    ['rmq.dlq.g', '%DLQ%g', "a group's dead-letter topic"],
    ['rmq.name..25RETRY.25', '%RETRY%', 'of no group, it is a name like any other'],
    ['rmq_x', 'rmq_x', 'only the prefix with its dot is reserved']
  ]
  for (const [kafka, rocketmq, why] of pairs) {
    t.equal(toKafkaTopicName(rocketmq), kafka, `${why}: to Kafka`)
    t.equal(toRocketmqTopicName(kafka), rocketmq, `${why}: to RocketMQ`)
  }
  t.equal(toRocketmqTopicName('rmq.name.a'), undefined, 'a prefix that was not needed is no name')
  t.equal(toRocketmqTopicName('rmq.other'), undefined, 'nor is any other name in rmq.')
  t.equal(toRocketmqTopicName('rmq.name.a.b'), undefined, 'nor one that decodes to no name')
})

t.test(`every topic name has one counterpart, and only it (SEED=${seed})`, async (t) => {
  fc.assert(
    fc.property(kafkaTopics, (name) => {
      fc.pre(kafkaTopicNameFault(name) === undefined)
      const names = topicNamesFromKafka(name)
      return toKafkaTopicName(names.rocketmq) === name && names.kafka === name
    }),
    runs
  )
  fc.assert(
    fc.property(rocketmqTopics, (name) => {
      fc.pre(rocketmqTopicNameFault(name) === undefined)
      const names = topicNamesFromRocketmq(name)
      const isKafkaName = /^[a-zA-Z0-9._-]{1,249}$/.test(names.kafka)
      return isKafkaName && toRocketmqTopicName(names.kafka) === name
    }),
    runs
  )
  fc.assert(
    fc.property(fc.uniqueArray(rocketmqTopics, { minLength: 2, maxLength: 20 }), (names) => {
      return new Set(names.map(toKafkaTopicName)).size === names.length
    }),
    runs
  )
  fc.assert(
    fc.property(kafkaTopics, rocketmqTopics, (kafka, rocketmq) => {
      // A name that a Kafka client may make never meets what RocketMQ clients make, unless it is its counterpart.
      fc.pre(kafkaTopicNameFault(kafka) === undefined)
      return (toKafkaTopicName(rocketmq) === kafka) === (toRocketmqTopicName(kafka) === rocketmq)
    }),
    runs
  )
  t.pass('no counterexample')
})

t.test('which names may be made', async (t) => {
  t.equal(kafkaTopicNameFault('a.b_c-9'), undefined)
  t.equal(kafkaTopicNameFault('x'.repeat(249)), undefined)
  t.equal(kafkaTopicNameFault('x'.repeat(250)), 'too-long')
  t.equal(kafkaTopicNameFault(''), 'empty')
  t.equal(kafkaTopicNameFault('.'), 'only-dots')
  t.equal(kafkaTopicNameFault('..'), 'only-dots')
  t.equal(kafkaTopicNameFault('...'), undefined)
  t.equal(kafkaTopicNameFault('a b'), 'illegal-character')
  t.equal(kafkaTopicNameFault('a\n'), 'illegal-character')
  t.equal(kafkaTopicNameFault('é'), 'illegal-character')
  t.equal(kafkaTopicNameFault('a%'), 'illegal-character')
  t.equal(kafkaTopicNameFault('rmq.retry.g'), 'reserved')
  t.equal(kafkaTopicNameFault('rmq.'), 'reserved')
  t.equal(rocketmqTopicNameFault('x'.repeat(127)), undefined)
  t.equal(rocketmqTopicNameFault('x'.repeat(128)), 'too-long')
  t.equal(rocketmqTopicNameFault(`%RETRY%${'x'.repeat(120)}`), undefined)
  t.equal(rocketmqTopicNameFault('%'.repeat(100)), 'too-long', 'too long as Kafka has to say it')
  t.equal(rocketmqTopicNameFault('a.b'), 'illegal-character')
  t.equal(rocketmqTopicNameFault(''), 'empty')
  t.equal(lookalikeKey('a.b_c'), lookalikeKey('a_b.c'))
  t.not(lookalikeKey('a-b'), lookalikeKey('a_b'))
  fc.assert(
    fc.property(kafkaTopics, kafkaTopics, (a, b) => {
      const dotted = a.replaceAll('_', '.')
      return looksAlike(a, dotted) && looksAlike(a, b) === (lookalikeKey(a) === lookalikeKey(b))
    }),
    runs
  )
})

t.test('a Kafka name too long for RocketMQ is kept, and said to be out of reach', async (t) => {
  const names = topicNamesFromKafka('x.'.repeat(100))
  t.equal(toKafkaTopicName(names.rocketmq), names.kafka)
  t.notOk(isReachableFromRocketmq(names))
  t.ok(isReachableFromRocketmq(topicNamesFromKafka('x'.repeat(127))))
  t.notOk(isReachableFromRocketmq(topicNamesFromKafka('x'.repeat(128))))
  t.ok(isReachableFromRocketmq(topicNamesFromRocketmq(`%RETRY%${'x'.repeat(120)}`)))
})

t.test('names of groups', async (t) => {
  const pairs: [kafka: string, rocketmq: string, why: string][] = [
    ['app', 'app', 'what both have is the same'],
    ['my.app', 'my|2Eapp', 'a dot is escaped'],
    ['a%b', 'a%b', 'a percent sign both have'],
    ['組', '|E7|B5|84', 'text is escaped byte for byte'],
    ['a|b', 'a|7Cb', "Kafka's bar is escaped"],
    ['rmq.name.a.7Cb', 'a|b', "RocketMQ's bar that is no escape gets the prefix"],
    ['rmq.name..7CE7', '|E7', 'so do bytes that are no text'],
    ['rmq.name..7C41', '|41', 'and an escape of what needs none'],
    ['rmq.other', 'rmq|2Eother', 'nothing but the prefix is reserved']
  ]
  for (const [kafka, rocketmq, why] of pairs) {
    t.equal(toKafkaGroupName(rocketmq), kafka, `${why}: to Kafka`)
    t.equal(toRocketmqGroupName(kafka), rocketmq, `${why}: to RocketMQ`)
  }
  t.equal(toKafkaGroupName('rmq|2Ename|2Ea|2E7Cb'), 'rmq.name.rmq.7C2Ename.7C2Ea.7C2E7Cb')
  t.equal(kafkaGroupNameFault('rmq.name.a'), 'reserved')
  t.equal(kafkaGroupNameFault('rmq.name.a.7Cb'), undefined, 'but a name that has a counterpart')
  t.equal(kafkaGroupNameFault(''), 'empty')
  t.equal(kafkaGroupNameFault('x'.repeat(32_767)), undefined)
  t.equal(kafkaGroupNameFault('é'.repeat(16_384)), 'too-long', 'bytes count')
  t.equal(kafkaGroupNameFault('a\ud800'), 'illegal-character', 'half a character is no text')
  t.equal(rocketmqGroupNameFault('x'.repeat(120)), undefined)
  t.equal(rocketmqGroupNameFault('x'.repeat(121)), 'too-long')
  t.equal(rocketmqGroupNameFault('a.b'), 'illegal-character')
  t.equal(rocketmqGroupNameFault(''), 'empty')
})

t.test(`every group name has one counterpart, and only it (SEED=${seed})`, async (t) => {
  fc.assert(
    fc.property(kafkaGroups, (name) => {
      fc.pre(kafkaGroupNameFault(name) === undefined)
      const { rocketmq } = groupNamesFromKafka(name)
      return /^[%|a-zA-Z0-9_-]+$/.test(rocketmq) && toKafkaGroupName(rocketmq) === name
    }),
    runs
  )
  fc.assert(
    fc.property(rocketmqGroups, (name) => {
      fc.pre(rocketmqGroupNameFault(name) === undefined)
      const { kafka } = groupNamesFromRocketmq(name)
      return kafkaGroupNameFault(kafka) === undefined && toRocketmqGroupName(kafka) === name
    }),
    runs
  )
  fc.assert(
    fc.property(kafkaGroups, rocketmqGroups, (kafka, rocketmq) => {
      return (toKafkaGroupName(rocketmq) === kafka) === (toRocketmqGroupName(kafka) === rocketmq)
    }),
    runs
  )
  t.pass('no counterexample')
})
