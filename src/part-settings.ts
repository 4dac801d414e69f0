/** Settings that the other parts declare, each with its default, and the ranges that the product gives them. */
import { defaultGroupPolicy } from '../gateway/broker/groups/index.ts'
import { timerLimitTable } from '../gateway/broker/timers/index.ts'
import { defaultTopicPolicy } from '../gateway/broker/topics.ts'
import { defaultGroupSettings } from '../gateway/kafka/groups/settings.ts'
import { defaultKafkaLimits } from '../gateway/kafka/server.ts'
import { defaultRocketmqLimits, transactionLimitTable } from '../gateway/rocketmq/server.ts'
import { storeSettings as storeTable } from '../storage/index.ts'
import type { IntegerSetting, Section, Setting } from './setting.ts'

/** A limit as the part that keeps it declares it. */
interface Limit {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly doc: string
}

/** Offers a part's own table of limits; their units are the ends of their names. */
export function limits<Table extends Readonly<Record<string, Limit>>>(
  table: Table,
  section: Section
) {
  const entries = Object.entries(table).map(([name, { default: standard, min, max, doc }]) => {
    const unit = /Ms(Max)?$/.test(name)
      ? 'ms'
      : /Bytes(PerSecond)?(Max|Min)?$/.test(name)
        ? 'bytes'
        : 'count'
    const setting: IntegerSetting = {
      kind: 'integer',
      default: standard,
      min,
      max,
      unit,
      section,
      doc: doc.replace(/\.$/, '')
    }
    return [name, setting]
  })
  return Object.fromEntries(entries) as { readonly [Name in keyof Table]: IntegerSetting }
}

/** The store's. */
export const storeSettings = limits(storeTable, 'Durability and storage')

/** Of delayed, retried and half messages. */
export const timerSettings = limits(timerLimitTable, 'Timers')

/** Of RocketMQ's transactions. */
export const transactionSettings = limits(transactionLimitTable, 'Transactions')

/** A number whose default another part declares. */
function count(
  section: Section,
  unit: 'count' | 'bytes' | 'ms',
  standard: number,
  [min, max]: readonly [min: number, max: number],
  doc: string
): IntegerSetting {
  return { kind: 'integer', default: standard, min, max, unit, section, doc }
}

const int32Max = 2_147_483_647
const dayMs = 86_400_000

const topics = defaultTopicPolicy
export const topicSettings = {
  autoCreate: {
    kind: 'switch',
    default: topics.autoCreate,
    section: 'Topics',
    doc: 'Whether a client that asks for a topic that does not exist makes it'
  },
  defaultQueueCount: count(
    'Topics',
    'count',
    topics.defaultQueueCount,
    [1, 10_000],
    'Queues of a topic whose creator names no number'
  ),
  queuesPerTopicMax: count(
    'Topics',
    'count',
    topics.queuesPerTopicMax,
    [1, 100_000],
    'Queues that one topic may have'
  ),
  topicsMax: count('Topics', 'count', topics.topicsMax, [1, 1_000_000], 'Topics that there may be')
} as const satisfies Record<keyof typeof defaultTopicPolicy, Setting>

export const retentionSettings = {
  retentionMs: count(
    'Topics',
    'ms',
    604_800_000,
    [-1, Number.MAX_SAFE_INTEGER],
    'Age at which records go where their topic says nothing; -1 never (log.retention.ms)'
  ),
  retentionBytes: count(
    'Topics',
    'bytes',
    -1,
    [-1, Number.MAX_SAFE_INTEGER],
    'Bytes that a queue keeps where its topic says nothing; -1 all (log.retention.bytes)'
  )
} as const satisfies Record<string, Setting>

const groups = defaultGroupSettings
export const groupSettings = {
  sessionTimeoutMinMs: count(
    'Groups',
    'ms',
    groups.sessionTimeoutMinMs,
    [1, dayMs],
    'Shortest session that a member may ask for (group.min.session.timeout.ms)'
  ),
  sessionTimeoutMaxMs: count(
    'Groups',
    'ms',
    groups.sessionTimeoutMaxMs,
    [1, dayMs],
    'Longest session that a member may ask for (group.max.session.timeout.ms)'
  ),
  initialRebalanceDelayMs: count(
    'Groups',
    'ms',
    groups.initialRebalanceDelayMs,
    [0, 300_000],
    'How long the first member of an empty group waits for more'
  ),
  groupMembersMax: count(
    'Groups',
    'count',
    groups.groupMembersMax,
    [1, 1_000_000],
    'Members of one group, those still to come included (group.max.size)'
  ),
  liveGroupsMax: count(
    'Groups',
    'count',
    groups.liveGroupsMax,
    [1, 1_000_000],
    'Groups with members, all together'
  ),
  groupBytesMax: count(
    'Groups',
    'bytes',
    groups.groupBytesMax,
    [4096, int32Max],
    "Memory for what one group's members say of themselves and are assigned"
  ),
  allGroupsBytesMax: count(
    'Groups',
    'bytes',
    groups.allGroupsBytesMax,
    [4096, 17_179_869_184],
    'The same, of all groups together'
  ),
  stalledTimerMs: count(
    'Groups',
    'ms',
    groups.stalledTimerMs,
    [1, dayMs],
    'A session that ends this much too late was held up by the server and gets another one'
  )
} as const satisfies Record<keyof typeof defaultGroupSettings, Setting>

const stored = defaultGroupPolicy
export const storedGroupSettings = {
  groupRetentionMs: count(
    'Groups',
    'ms',
    stored.retentionMs,
    [1000, 3650 * dayMs],
    'How long a group without members keeps its committed offsets (offsets.retention.minutes)'
  ),
  groupCheckIntervalMs: count(
    'Groups',
    'ms',
    stored.checkIntervalMs,
    [1000, dayMs],
    'How often groups without members are looked at'
  ),
  storedGroupsMax: count(
    'Groups',
    'count',
    stored.storedGroupsMax,
    [1, 10_000_000],
    'Groups that are kept, with or without members'
  )
} as const satisfies Record<string, Setting>

export const rocketmqSettings = {
  sqlFilters: {
    kind: 'switch',
    default: true,
    section: 'Requests',
    doc: "Whether RocketMQ's consumers may filter by SQL92 (enablePropertyFilter)"
  },
  timerDelayMsMax: count(
    'Timers',
    'ms',
    defaultRocketmqLimits.timerDelayMsMax,
    [1000, 4_000_000_000_000],
    'How far away the time of a RocketMQ timer message may be (timerMaxDelaySec)'
  )
} as const satisfies Record<string, Setting>

const requests = defaultKafkaLimits
export const requestSettings = {
  fetchBytesMax: count(
    'Requests',
    'bytes',
    requests.fetchBytesMax,
    [1024, 1_073_741_824],
    'Most that one fetch is answered with, but for one larger batch (fetch.max.bytes)'
  ),
  fetchWaitMsMax: count(
    'Requests',
    'ms',
    requests.fetchWaitMsMax,
    [0, int32Max],
    'A fetch waits no longer for data, whatever it asks for'
  ),
  produceWaitMsMin: count(
    'Requests',
    'ms',
    requests.produceWaitMsMin,
    [0, int32Max],
    'An append with acks=all is given at least this long, whatever its request says'
  )
} as const satisfies Record<keyof typeof defaultKafkaLimits, Setting>
