/**
 * The settings of a topic, by Kafka's names (LogConfig, TopicConfig, as of Apache Kafka 4.1): what each takes, what
 * holds where nobody set it, and what it does here. Values are text, as Kafka prints them.
 */

export type SettingKind = 'boolean' | 'string' | 'short' | 'int' | 'long' | 'double' | 'list'

export interface TopicSettingRule {
  readonly kind: SettingKind
  readonly defaultValue: string
  /** The setting of the server that holds where the topic has none. */
  readonly brokerName: string
  /** Inclusive; numbers only. The kind has its own bounds. */
  readonly min?: number
  readonly max?: number
  /** The only values (of a list: the only members). */
  readonly oneOf?: readonly string[]
  readonly pattern?: RegExp
  /** What it does here, for people. */
  readonly documentation: string
}

const longMax = '9223372036854775807'
const ownWay = 'Kept and reported; the store has its own way, which this does not change.'
const oneNode = 'Kept and reported; it has no meaning on one node.'
const throttled = /^(\*|(\d+:\d+(,\d+:\d+)*)?)$/

export const topicSettingRules = {
  'cleanup.policy': {
    kind: 'list',
    defaultValue: 'delete',
    brokerName: 'log.cleanup.policy',
    oneOf: ['compact', 'delete'],
    documentation:
      'delete, compact, both or none. With compact every record needs a key, and of each key the newest record stays. Records go by age and size only with delete.'
  },
  'compression.gzip.level': {
    kind: 'int',
    defaultValue: '-1',
    brokerName: 'compression.gzip.level',
    min: -1,
    max: 9,
    documentation: ownWay
  },
  'compression.lz4.level': {
    kind: 'int',
    defaultValue: '9',
    brokerName: 'compression.lz4.level',
    min: 1,
    max: 17,
    documentation: ownWay
  },
  'compression.type': {
    kind: 'string',
    defaultValue: 'producer',
    brokerName: 'compression.type',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    documentation: 'Kept and reported; batches are always stored as the producer compressed them.'
  },
  'compression.zstd.level': {
    kind: 'int',
    defaultValue: '3',
    brokerName: 'compression.zstd.level',
    min: -131_072,
    max: 22,
    documentation: ownWay
  },
  'delete.retention.ms': {
    kind: 'long',
    defaultValue: '86400000',
    brokerName: 'log.cleaner.delete.retention.ms',
    min: 0,
    documentation: 'How long the tombstones of a compacted topic stay once they were compacted, ms.'
  },
  'file.delete.delay.ms': {
    kind: 'long',
    defaultValue: '60000',
    brokerName: 'log.segment.delete.delay.ms',
    min: 0,
    documentation: ownWay
  },
  'flush.messages': {
    kind: 'long',
    defaultValue: longMax,
    brokerName: 'log.flush.interval.messages',
    min: 1,
    documentation: 'Kept and reported; the server flushes as its flush mode says, for all topics.'
  },
  'flush.ms': {
    kind: 'long',
    defaultValue: longMax,
    brokerName: 'log.flush.interval.ms',
    min: 0,
    documentation: 'Kept and reported; the server flushes as its flush mode says, for all topics.'
  },
  'follower.replication.throttled.replicas': {
    kind: 'list',
    defaultValue: '',
    brokerName: 'follower.replication.throttled.replicas',
    pattern: throttled,
    documentation: oneNode
  },
  'index.interval.bytes': {
    kind: 'int',
    defaultValue: '4096',
    brokerName: 'log.index.interval.bytes',
    min: 0,
    documentation: ownWay
  },
  'leader.replication.throttled.replicas': {
    kind: 'list',
    defaultValue: '',
    brokerName: 'leader.replication.throttled.replicas',
    pattern: throttled,
    documentation: oneNode
  },
  'local.retention.bytes': {
    kind: 'long',
    defaultValue: '-2',
    brokerName: 'log.local.retention.bytes',
    min: -2,
    documentation: 'Kept and reported; there is no remote storage.'
  },
  'local.retention.ms': {
    kind: 'long',
    defaultValue: '-2',
    brokerName: 'log.local.retention.ms',
    min: -2,
    documentation: 'Kept and reported; there is no remote storage.'
  },
  'max.compaction.lag.ms': {
    kind: 'long',
    defaultValue: longMax,
    brokerName: 'log.cleaner.max.compaction.lag.ms',
    min: 1,
    documentation:
      'Age at which records are compacted, however little there is to gain, ms. Their segment of the log is sealed for it.'
  },
  'max.message.bytes': {
    kind: 'int',
    defaultValue: '1048588',
    brokerName: 'message.max.bytes',
    min: 0,
    documentation:
      'The largest batch a Kafka producer may send, bytes as sent (compressed). RocketMQ has a limit of its own.'
  },
  'message.timestamp.after.max.ms': {
    kind: 'long',
    defaultValue: '3600000',
    brokerName: 'log.message.timestamp.after.max.ms',
    min: 0,
    documentation:
      'How far in the future a record may be dated, ms; refused beyond. For CreateTime only.'
  },
  'message.timestamp.before.max.ms': {
    kind: 'long',
    defaultValue: longMax,
    brokerName: 'log.message.timestamp.before.max.ms',
    min: 0,
    documentation:
      'How far in the past a record may be dated, ms; refused beyond. For CreateTime only.'
  },
  'message.timestamp.type': {
    kind: 'string',
    defaultValue: 'CreateTime',
    brokerName: 'log.message.timestamp.type',
    oneOf: ['CreateTime', 'LogAppendTime'],
    documentation: "Whether records keep their producer's timestamp or get the time of the append."
  },
  'min.cleanable.dirty.ratio': {
    kind: 'double',
    defaultValue: '0.5',
    brokerName: 'log.cleaner.min.cleanable.ratio',
    min: 0,
    max: 1,
    documentation:
      'A queue is compacted when more than this share of its bytes never was; what is in the open segment of the log does not count.'
  },
  'min.compaction.lag.ms': {
    kind: 'long',
    defaultValue: '0',
    brokerName: 'log.cleaner.min.compaction.lag.ms',
    min: 0,
    documentation: 'Younger records are not compacted, ms.'
  },
  'min.insync.replicas': {
    kind: 'int',
    defaultValue: '1',
    brokerName: 'min.insync.replicas',
    min: 1,
    documentation: 'Kept and reported; a write never waits for more than the one copy there is.'
  },
  preallocate: {
    kind: 'boolean',
    defaultValue: 'false',
    brokerName: 'log.preallocate',
    documentation: ownWay
  },
  'remote.log.copy.disable': {
    kind: 'boolean',
    defaultValue: 'false',
    brokerName: 'remote.log.copy.disable',
    documentation: 'Kept and reported; there is no remote storage.'
  },
  'remote.log.delete.on.disable': {
    kind: 'boolean',
    defaultValue: 'false',
    brokerName: 'remote.log.delete.on.disable',
    documentation: 'Kept and reported; there is no remote storage.'
  },
  'remote.storage.enable': {
    kind: 'boolean',
    defaultValue: 'false',
    brokerName: 'remote.storage.enable',
    documentation: 'Kept and reported; there is no remote storage.'
  },
  'retention.bytes': {
    kind: 'long',
    defaultValue: '-1',
    brokerName: 'log.retention.bytes',
    documentation: 'How many bytes of a queue are kept at least; -1 all.'
  },
  'retention.ms': {
    kind: 'long',
    defaultValue: '604800000',
    brokerName: 'log.retention.ms',
    min: -1,
    documentation: 'How long records are kept, ms; -1 for ever.'
  },
  'segment.bytes': {
    kind: 'int',
    defaultValue: '1073741824',
    brokerName: 'log.segment.bytes',
    min: 1_048_576,
    documentation: 'Kept and reported; all topics share the segments of one log.'
  },
  'segment.index.bytes': {
    kind: 'int',
    defaultValue: '10485760',
    brokerName: 'log.index.size.max.bytes',
    min: 4,
    documentation: ownWay
  },
  'segment.jitter.ms': {
    kind: 'long',
    defaultValue: '0',
    brokerName: 'log.roll.jitter.ms',
    min: 0,
    documentation: 'Kept and reported; all topics share the segments of one log.'
  },
  'segment.ms': {
    kind: 'long',
    defaultValue: '604800000',
    brokerName: 'log.roll.ms',
    min: 1,
    documentation:
      'All topics share the segments of one log. Records of a compacted topic that are so old do not wait for theirs to be full, ms.'
  },
  'unclean.leader.election.enable': {
    kind: 'boolean',
    defaultValue: 'false',
    brokerName: 'unclean.leader.election.enable',
    documentation: oneNode
  }
} as const satisfies Record<string, TopicSettingRule>

export type TopicSettingName = keyof typeof topicSettingRules

/** Settings that Kafka no longer has and older tools still send: taken, and dropped. */
export const droppedSettingNames: readonly string[] = [
  'message.downconversion.enable',
  'message.format.version',
  'message.timestamp.difference.max.ms'
]

export function isTopicSettingName(name: string): name is TopicSettingName {
  return Object.hasOwn(topicSettingRules, name)
}

export function topicSettingRule(name: TopicSettingName): TopicSettingRule {
  return topicSettingRules[name]
}
