/**
 * The server's own settings as tools read them, by Kafka's names. Read-only: they come from the server's
 * configuration, or say how this server is.
 */
import type { SettingKind } from '../broker/topic-config.ts'
import type { GroupSettings } from './groups/settings.ts'
import { offsetMetadataMax } from './handlers/offset-commit.ts'

/** What the rows below are made from. */
export interface ServerFacts {
  readonly nodeId: number
  readonly autoCreateTopics: boolean
  readonly defaultQueueCount: number
  readonly maxReadBytes: number
  readonly groups: GroupSettings
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

/** What is so on every one-node server. */
const fixed: readonly (readonly [name: string, kind: SettingKind, value: string, what: string])[] =
  [
    ['default.replication.factor', 'int', '1', 'One node holds one copy.'],
    ['delete.topic.enable', 'boolean', 'true', 'Topics may be deleted.'],
    ['inter.broker.protocol.version', 'string', '3.9-IV0', 'What tools take for the version.'],
    ['offset.metadata.max.bytes', 'int', `${offsetMetadataMax}`, "A committed offset's text."],
    ['offsets.topic.replication.factor', 'short', '1', 'Committed offsets are state, not a topic.'],
    ['process.roles', 'list', 'broker,controller', 'The one node is both.']
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
    ...groupSettings(facts.groups),
    setting('listeners', 'string', listenerName(facts.listener), 'Where this client dialled.'),
    setting(
      'advertised.listeners',
      'string',
      listenerName(facts.advertisedListener),
      'What this client is told to dial.'
    )
  ]
}

function groupSettings(groups: GroupSettings): ServerSetting[] {
  return [
    setting(
      'group.initial.rebalance.delay.ms',
      'int',
      `${groups.initialRebalanceDelayMs}`,
      'How long the first member of a group waits for more.'
    ),
    setting(
      'group.max.session.timeout.ms',
      'int',
      `${groups.sessionTimeoutMaxMs}`,
      'The longest session that a member may ask for.'
    ),
    setting(
      'group.min.session.timeout.ms',
      'int',
      `${groups.sessionTimeoutMinMs}`,
      'The shortest session that a member may ask for.'
    ),
    setting('group.max.size', 'int', `${groups.groupMembersMax}`, 'Members of one group.')
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
