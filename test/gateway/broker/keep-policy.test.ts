import t from 'tap'
import { ConfigService } from '../../../gateway/broker/configs.ts'
import { keepPolicies } from '../../../gateway/broker/keep-policy.ts'
import { timerKinds, timerTopicName } from '../../../gateway/broker/timers/index.ts'
import { type KeepPolicy, keepForever, type Topic } from '../../../storage/index.ts'

function topicWith(config: Record<string, string>, more: Partial<Topic> = {}): Topic {
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
    createdMs: 0,
    ...more
  }
}

t.test('what a topic keeps is what its settings say', (t) => {
  const defaults = {
    tombstoneMs: 86_400_000,
    lagMsMin: 0,
    lagMsMax: Number.POSITIVE_INFINITY,
    sealMs: 604_800_000,
    dirtyShareMin: 0.5
  }
  const policyOf = keepPolicies(new ConfigService({ 'log.retention.bytes': '5000' }))
  const cases: [Record<string, string>, Partial<KeepPolicy>][] = [
    [{}, { retentionMs: 604_800_000, retentionBytes: 5000 }],
    [
      { 'retention.ms': '1', 'retention.bytes': '2' },
      { retentionMs: 1, retentionBytes: 2 }
    ],
    [
      { 'retention.ms': '0', 'retention.bytes': '0' },
      { retentionMs: 0, retentionBytes: 0 }
    ],
    [
      { 'retention.ms': '-1', 'retention.bytes': '-1' },
      { retentionMs: Number.POSITIVE_INFINITY, retentionBytes: Number.POSITIVE_INFINITY }
    ],
    [{ 'retention.ms': '9223372036854775807' }, { retentionMs: Number.POSITIVE_INFINITY }],
    [
      { 'cleanup.policy': 'compact', 'retention.ms': '1' },
      { ...keepForever, compaction: defaults }
    ],
    [{ 'cleanup.policy': '', 'retention.ms': '1' }, keepForever],
    [{ 'cleanup.policy': 'delete' }, { compaction: undefined }],
    [
      { 'cleanup.policy': 'compact,delete', 'retention.ms': '1' },
      { retentionMs: 1, compaction: defaults }
    ],
    [
      {
        'cleanup.policy': 'compact',
        'delete.retention.ms': '1',
        'min.compaction.lag.ms': '2',
        'max.compaction.lag.ms': '3',
        'min.cleanable.dirty.ratio': '0.25'
      },
      {
        retentionMs: Number.POSITIVE_INFINITY,
        compaction: { tombstoneMs: 1, lagMsMin: 2, lagMsMax: 3, sealMs: 3, dirtyShareMin: 0.25 }
      }
    ],
    [
      {
        'cleanup.policy': 'compact',
        'delete.retention.ms': '9223372036854775807',
        'segment.ms': '4'
      },
      { compaction: { ...defaults, tombstoneMs: Number.POSITIVE_INFINITY, sealMs: 4 } }
    ]
  ]
  for (const [config, expected] of cases) {
    const policy = policyOf(topicWith(config))
    t.match(policy, { untilSettled: false, ...expected }, JSON.stringify(config))
  }
  t.end()
})

t.test('records that wait for a timer stay until they are settled, others do not', (t) => {
  const policyOf = keepPolicies(new ConfigService())
  for (const kind of timerKinds) {
    const name = timerTopicName(kind)
    const names = { kafka: name, rocketmq: name }
    t.same(policyOf(topicWith({}, { names, system: true })), { ...keepForever, untilSettled: true })
    t.match(policyOf(topicWith({}, { names })), { untilSettled: false }, 'a client has the name')
  }
  t.match(policyOf(topicWith({}, { system: true })), { untilSettled: false })
  t.end()
})
