/**
 * Settings as RocketMQ's tools read them, by RocketMQ's names (BrokerConfig, MessageStoreConfig, NamesrvConfig): those
 * that say something true of this server. None can be changed while it runs.
 */
import { type Refused, type RequestContext, refuse } from './context.ts'
import { delayLevelsText } from './delay-levels.ts'
import { autoCreateQueuesMax, traceTopic } from './known-topics.ts'
import { responseCodes } from './response-codes.ts'
import { advertisedBroker, masterId } from './this-broker.ts'

/** What is said of the server when it starts. */
export interface ServerFacts {
  readonly flushMode: 'sync' | 'async'
  readonly dataFolder: string
  readonly segmentBytes: number
  /** How long records are kept where their topic says nothing; -1: for ever. */
  readonly retentionMs: number
}

/** A value, and the option that sets it, where one does. */
interface ToldSetting {
  readonly value: string
  readonly option?: string
}

export type ToldSettings = ReadonlyMap<string, ToldSetting>

export function brokerSettings(context: RequestContext): ToldSettings {
  const { facts, filters, topics, limits, transactionLimits, client } = context
  const { clusterName, brokerName } = context
  const { host } = advertisedBroker(context)
  const flushDiskType = facts.flushMode === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'
  return new Map<string, ToldSetting>([
    ['autoCreateSubscriptionGroup', { value: 'true' }],
    ['autoCreateTopicEnable', { value: `${topics.policy.autoCreate}`, option: '--auto-create' }],
    ['brokerClusterName', { value: clusterName, option: '--rocketmq-cluster-name' }],
    ['brokerIP1', { value: host, option: '--advertise' }],
    ['brokerId', { value: masterId }],
    ['brokerName', { value: brokerName, option: '--rocketmq-broker-name' }],
    ['brokerPermission', { value: '6' }],
    ['brokerRole', { value: 'ASYNC_MASTER' }],
    ['defaultTopicQueueNums', { value: `${autoCreateQueuesMax}` }],
    ['enablePropertyFilter', { value: `${filters.takesSql}`, option: '--sql-filters' }],
    ['fileReservedTime', { value: hoursText(facts.retentionMs), option: '--retention-ms' }],
    ['flushDiskType', { value: flushDiskType, option: '--flush' }],
    ['listenPort', { value: `${client.localPort}`, option: '--broker-port' }],
    ['longPollingEnable', { value: 'true' }],
    ['mappedFileSizeCommitLog', { value: `${facts.segmentBytes}`, option: '--segment-bytes' }],
    ['maxMessageSize', { value: `${limits.bodyBytesMax}` }],
    ['messageDelayLevel', { value: delayLevelsText }],
    ['msgTraceTopicName', { value: traceTopic }],
    ['recallMessageEnable', { value: 'true' }],
    ['slaveReadEnable', { value: 'false' }],
    ['storePathRootDir', { value: facts.dataFolder, option: '--data' }],
    ['storeReplyMessageEnable', { value: 'true' }],
    [
      'timerMaxDelaySec',
      { value: secondsText(limits.timerDelayMsMax), option: '--timer-delay-ms-max' }
    ],
    ['timerWheelEnable', { value: 'true' }],
    ['traceOn', { value: 'true' }],
    [
      'transactionCheckInterval',
      {
        value: `${transactionLimits.transactionCheckIntervalMs}`,
        option: '--transaction-check-interval-ms'
      }
    ],
    [
      'transactionCheckMax',
      { value: `${transactionLimits.transactionCheckMax}`, option: '--transaction-check-max' }
    ],
    [
      'transactionTimeOut',
      {
        value: `${transactionLimits.transactionCheckAfterMs}`,
        option: '--transaction-check-after-ms'
      }
    ],
    ['useServerSideResetOffset', { value: 'true' }],
    ['useTLS', { value: 'false' }]
  ])
}

export function namesrvSettings({ client, facts }: RequestContext): ToldSettings {
  return new Map<string, ToldSetting>([
    ['clusterTest', { value: 'false' }],
    ['configStorePath', { value: facts.dataFolder, option: '--data' }],
    ['enableAllTopicList', { value: 'true' }],
    ['enableTopicList', { value: 'true' }],
    ['kvConfigPath', { value: facts.dataFolder, option: '--data' }],
    ['listenPort', { value: `${client.localPort}`, option: '--namesrv-port' }]
  ])
}

export function propertiesOf(settings: ToldSettings): Map<string, string> {
  return new Map([...settings].map(([name, { value }]) => [name, value]))
}

/** Why this change cannot be; undefined where it changes nothing. */
export function refusalOfChange(
  wanted: ReadonlyMap<string, string>,
  settings: ToldSettings
): Refused | undefined {
  for (const [name, value] of wanted) {
    const present = settings.get(name)
    if (present?.value === value) continue
    return refuse(responseCodes.NO_PERMISSION, whyNot(name, value, present))
  }
  return undefined
}

/** Whole hours, at least one; RocketMQ knows no 'for ever'. */
function hoursText(ms: number): string {
  return ms < 0 ? `${int32Max}` : `${Math.min(Math.max(Math.round(ms / hourMs), 1), int32Max)}`
}

const hourMs = 3_600_000
const int32Max = 2_147_483_647

function secondsText(ms: number): string {
  return `${Math.min(Math.floor(ms / 1000), int32Max)}`
}

function whyNot(name: string, value: string, present: ToldSetting | undefined): string {
  if (present === undefined) return `${name} is no setting of this server`
  const is = `${name} is ${present.value} and cannot become ${value} while the server runs`
  return present.option === undefined ? is : `${is}: start it with ${present.option}`
}
