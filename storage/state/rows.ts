/**
 * The state that callers may read and write through the engine contract: families of rows, each row with its key
 * inside it. How keys and rows are laid out in bytes is state/codec.ts's. Topics are not here: they have operations
 * of their own (contract.ts, Change), since uids are allocated and dropped with them.
 */
import type { QueueUid, TopicId, TopicNames } from '../contract.ts'

/** A group's place in one queue. Deleted with its topic. */
export interface CommittedOffsetRow {
  /** The group's id as Kafka clients say it. */
  readonly group: string
  readonly topicId: TopicId
  /** Queue number within the topic. */
  readonly queue: number
  /** The next offset to read. Negative ones are a client's own sentinels and are kept as they are. */
  readonly offset: number
  /** -1: not known. */
  readonly leaderEpoch: number
  /** The committer's own text. */
  readonly metadata: string
  readonly commitTimeMs: number
}

/** What outlives a group's members. */
export interface GroupRow {
  readonly names: TopicNames
  /** Kafka's protocol type ('consumer', 'connect', '' for a group that only commits). */
  readonly protocolType: string
  /** When the last member left, ms; -1 while it has members or never had any. */
  readonly emptySinceMs: number
  /** Settings of a RocketMQ subscription group, by their own names. */
  readonly settings: Readonly<Record<string, string>>
}

/** Where a queue's readable records begin, when it is not 0. */
export interface LogStartRow {
  readonly queue: QueueUid
  readonly offset: number
}

/** The leader epochs of a queue, ascending, when there is more than epoch 0 from offset 0. */
export interface QueueEpochsRow {
  readonly queue: QueueUid
  readonly epochs: readonly { readonly epoch: number; readonly startOffset: number }[]
}

/** A setting of the server that clients may change, by name. */
export interface SettingRow {
  readonly name: string
  readonly value: string
}

/**
 * A record in a hidden system queue that waits for its time: RocketMQ's delayed, retried and half messages. The commit
 * that settles it deletes the row on condition that it is there, so that exactly one of firing, recall, commit and
 * rollback wins.
 */
export interface TimerRow {
  /** Where the record waits. */
  readonly queue: QueueUid
  readonly offset: number
  readonly dueMs: number
  /** `copy`: to the target when due. `check`: ask the sender, then put again with a later due time. */
  readonly action: 'copy' | 'check'
  readonly targetTopicId: TopicId
  readonly targetQueue: number
  /** Times that it came due without being settled. */
  readonly count: number
  /** What the owner of the timer needs besides (a producer group, a recall handle), by name. */
  readonly detail: Readonly<Record<string, string>>
}

export interface StateRows {
  'committed-offset': CommittedOffsetRow
  group: GroupRow
  'log-start': LogStartRow
  'queue-epochs': QueueEpochsRow
  setting: SettingRow
  timer: TimerRow
}

export type StateFamily = keyof StateRows

/**
 * Names one row. `bucket` is what scans ask for (the group of a committed offset, the system queue of a
 * timer; '' where a family has one bucket only), `item` is unique within it.
 */
export interface StateKey<F extends StateFamily = StateFamily> {
  readonly family: F
  readonly bucket: string
  readonly item: string
}

/** A row with the family it belongs to, as a change puts it. */
export type StateRow = {
  [F in StateFamily]: { readonly family: F; readonly row: StateRows[F] }
}[StateFamily]

export const stateKeys = {
  committedOffset: (
    group: string,
    topicId: TopicId,
    queue: number
  ): StateKey<'committed-offset'> => ({
    family: 'committed-offset',
    bucket: group,
    item: `${topicId}${queue}`
  }),
  group: (kafkaName: string): StateKey<'group'> => ({
    family: 'group',
    bucket: '',
    item: kafkaName
  }),
  logStart: (queue: QueueUid): StateKey<'log-start'> => ({
    family: 'log-start',
    bucket: '',
    item: `${queue}`
  }),
  queueEpochs: (queue: QueueUid): StateKey<'queue-epochs'> => ({
    family: 'queue-epochs',
    bucket: '',
    item: `${queue}`
  }),
  setting: (name: string): StateKey<'setting'> => ({ family: 'setting', bucket: '', item: name }),
  timer: (queue: QueueUid, offset: number): StateKey<'timer'> => ({
    family: 'timer',
    bucket: `${queue}`,
    item: `${offset}`
  })
}

/** The key of a row that is about to be put. */
export function keyOf(entry: StateRow): StateKey {
  switch (entry.family) {
    case 'committed-offset':
      return stateKeys.committedOffset(entry.row.group, entry.row.topicId, entry.row.queue)
    case 'group':
      return stateKeys.group(entry.row.names.kafka)
    case 'log-start':
      return stateKeys.logStart(entry.row.queue)
    case 'queue-epochs':
      return stateKeys.queueEpochs(entry.row.queue)
    case 'setting':
      return stateKeys.setting(entry.row.name)
    case 'timer':
      return stateKeys.timer(entry.row.queue, entry.row.offset)
  }
}
