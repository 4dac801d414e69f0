import t from 'tap'
import { ConfigService } from '../../../gateway/broker/configs.ts'
import type { Topic } from '../../../storage/contract.ts'

function topicWith(config: Record<string, string>): Topic {
  return {
    id: '0'.repeat(31).concat('1'),
    names: { kafka: 'orders', rocketmq: 'orders' },
    queues: [1],
    config,
    perm: 6,
    messageType: 'NORMAL',
    readQueues: 1,
    writeQueues: 1,
    system: false,
    createdMs: 0
  }
}

t.test("a topic's own value comes before the server's, that before the default", async (t) => {
  const configs = new ConfigService({ 'message.max.bytes': '2000', 'log.retention.ms': '7' })
  const topic = topicWith({ 'max.message.bytes': '500' })
  t.equal(configs.topicValue(topic, 'max.message.bytes'), '500')
  t.equal(configs.topicValue(topicWith({}), 'max.message.bytes'), '2000')
  t.equal(configs.topicValue(topicWith({}), 'segment.ms'), '604800000')
  t.throws(() => configs.topicValue(topic, 'message.max.bytes'), /no setting of a topic/)

  const described = new Map(configs.describeTopicConfig(topic.config).map((s) => [s.name, s]))
  t.match(described.get('max.message.bytes'), {
    value: '500',
    source: 'topic',
    kind: 'int',
    origins: [
      { name: 'max.message.bytes', value: '500', source: 'topic' },
      { name: 'message.max.bytes', value: '2000', source: 'server' },
      { name: 'message.max.bytes', value: '1048588', source: 'default' }
    ]
  })
  t.match(described.get('retention.ms'), { value: '7', source: 'server' })
  t.match(described.get('flush.ms'), {
    value: '9223372036854775807',
    source: 'default',
    origins: [{ name: 'log.flush.interval.ms' }]
  })
  const names = configs.describeDefaults().map((s) => s.name)
  t.equal(new Set(names).size, names.length, 'no name twice')
  t.match(
    configs.describeDefaults().find((s) => s.name === 'log.retention.ms'),
    { value: '7', source: 'server', origins: [{ source: 'server' }, { value: '604800000' }] }
  )
})

t.test("the server's configuration is checked like a topic's", async (t) => {
  t.throws(() => new ConfigService({ 'message.max.bytes': 'much' }), /message\.max\.bytes/)
  t.throws(() => new ConfigService({ 'message.most.bytes': '1' }), /message\.most\.bytes/)
})

t.test('what appending needs is parsed once for each topic object', async (t) => {
  const configs = new ConfigService()
  const plain = topicWith({})
  t.same(configs.appendSettings(plain), {
    maxBatchBytes: 1_048_588,
    isAppendTimeUsed: false,
    timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
    timestampAfterMaxMs: 3_600_000,
    isCompacted: false
  })
  t.equal(configs.appendSettings(plain), configs.appendSettings(plain))
  const special = topicWith({
    'max.message.bytes': '100',
    'message.timestamp.type': 'LogAppendTime',
    'message.timestamp.before.max.ms': '5',
    'message.timestamp.after.max.ms': '9223372036854775807',
    'cleanup.policy': 'delete,compact'
  })
  t.same(configs.appendSettings(special), {
    maxBatchBytes: 100,
    isAppendTimeUsed: true,
    timestampBeforeMaxMs: 5,
    timestampAfterMaxMs: Number.POSITIVE_INFINITY,
    isCompacted: true
  })
})
