/**
 * The server's own settings as tools read them, by Kafka's names. Read-only: they come from the server's
 * configuration, or say how this server is.
 */
import type { SettingKind } from '../broker/topic-config.ts'

/** What the rows below are made from. */
export interface ServerFacts {
  readonly nodeId: number
  readonly autoCreateTopics: boolean
  readonly defaultQueueCount: number
  readonly maxReadBytes: number
  /** HOST:PORT, as bound or dialled. */
  readonly listener: string
  /** HOST:PORT, as clients are told. */
  readonly advertisedListener: string
}

export interface ServerSetting {
  readonly name: string
  readonly kind: SettingKind
  readonly value: string
  readonly documentation: string
  /** Said when the server starts, not left to a default. */
  readonly isConfigured: boolean
}

/** Settings of groups and producers that this server keeps to; the values are Kafka's defaults but where it says. */
const fixed: readonly (readonly [name: string, kind: SettingKind, value: string, what: string])[] =
  [
    ['background.threads', 'int', '1', 'There are no such threads; one process serves all.'],
    ['broker.rack', 'string', '', 'One node has no rack.'],
    ['default.replication.factor', 'int', '1', 'One node holds one copy.'],
    ['delete.topic.enable', 'boolean', 'true', 'Topics may be deleted.'],
    ['group.consumer.heartbeat.interval.ms', 'int', '5000', 'Not served yet.'],
    ['group.consumer.session.timeout.ms', 'int', '45000', 'Not served yet.'],
    ['group.initial.rebalance.delay.ms', 'int', '0', 'A first member does not wait for others.'],
    ['group.max.session.timeout.ms', 'int', '1800000', 'The longest session a member may ask for.'],
    ['group.max.size', 'int', '2147483647', 'How many members a group may have.'],
    ['group.min.session.timeout.ms', 'int', '6000', 'The shortest session a member may ask for.'],
    ['inter.broker.protocol.version', 'string', '3.9-IV0', 'What tools take for the version.'],
    ['offset.metadata.max.bytes', 'int', '4096', 'The longest text of a committed offset.'],
    ['offsets.retention.minutes', 'int', '10080', 'How long an empty group is kept.'],
    ['offsets.topic.num.partitions', 'int', '50', 'Committed offsets are state, not a topic.'],
    ['offsets.topic.replication.factor', 'short', '1', 'Committed offsets are state, not a topic.'],
    ['process.roles', 'list', 'broker,controller', 'The one node is both.'],
    ['producer.id.expiration.ms', 'int', '86400000', 'How long an idle producer is remembered.'],
    ['queued.max.requests', 'int', '500', 'Requests are not queued: their sockets are paused.'],
    ['replica.lag.time.max.ms', 'long', '30000', 'One node has no followers.'],
    ['socket.request.max.bytes', 'int', '104857600', 'The largest request.'],
    ['transaction.max.timeout.ms', 'int', '900000', 'Transactions are not served yet.'],
    ['transactional.id.expiration.ms', 'int', '604800000', 'Transactions are not served yet.']
  ]

/** All of them but those that are the broker synonyms of topic settings, in no special order. */
export function serverSettings(facts: ServerFacts): ServerSetting[] {
  const listenerName = (hostAndPort: string) => `PLAINTEXT://${hostAndPort}`
  return [
    ...fixed.map(([name, kind, value, documentation]) =>
      setting(name, kind, value, documentation, false)
    ),
    setting('node.id', 'int', `${facts.nodeId}`, "This node's number."),
    setting('broker.id', 'int', `${facts.nodeId}`, "This node's number."),
    setting('num.partitions', 'int', `${facts.defaultQueueCount}`, 'Of a topic that names none.'),
    setting(
      'auto.create.topics.enable',
      'boolean',
      `${facts.autoCreateTopics}`,
      'Whether asking for a topic that does not exist makes it.'
    ),
    setting(
      'fetch.max.bytes',
      'int',
      `${facts.maxReadBytes}`,
      'The most a fetch is answered with.'
    ),
    setting('listeners', 'string', listenerName(facts.listener), 'Where this client dialled.'),
    setting(
      'advertised.listeners',
      'string',
      listenerName(facts.advertisedListener),
      'What this client is told to dial.'
    )
  ]
}

function setting(
  name: string,
  kind: SettingKind,
  value: string,
  documentation: string,
  isConfigured = true
): ServerSetting {
  return { name, kind, value, documentation, isConfigured }
}
