/**
 * Settings as RocketMQ's tools read them, by RocketMQ's names (BrokerConfig, MessageStoreConfig, NamesrvConfig): those
 * that say something true of this server. None can be changed while it runs.
 */
import { type Refused, type RequestContext, refuse } from './context.ts'
import { autoCreateQueuesMax, traceTopic } from './known-topics.ts'
import { responseCodes } from './response-codes.ts'
import { advertisedBroker, masterId } from './this-broker.ts'

/** What is said of the server when it starts. */
export interface ServerFacts {
  readonly flushMode: 'sync' | 'async'
  readonly dataFolder: string
  readonly segmentBytes: number
}

/** A value, and the option that sets it, where one does. */
interface ToldSetting {
  readonly value: string
  readonly option?: string
}

export type ToldSettings = ReadonlyMap<string, ToldSetting>

export function brokerSettings(context: RequestContext): ToldSettings {
  const { facts, filters, topics, limits, clusterName, brokerName, client } = context
  const { host } = advertisedBroker(context)
  const flushDiskType = facts.flushMode === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'
  return new Map<string, ToldSetting>([
    ['autoCreateSubscriptionGroup', { value: 'true' }],
    ['autoCreateTopicEnable', { value: `${topics.policy.autoCreate}`, option: '--auto-create' }],
    ['brokerClusterName', { value: clusterName }],
    ['brokerIP1', { value: host, option: '--advertise' }],
    ['brokerId', { value: masterId }],
    ['brokerName', { value: brokerName }],
    ['brokerPermission', { value: '6' }],
    ['brokerRole', { value: 'ASYNC_MASTER' }],
    ['defaultTopicQueueNums', { value: `${autoCreateQueuesMax}` }],
    ['enablePropertyFilter', { value: `${filters.takesSql}`, option: '--sql-filters' }],
    ['flushDiskType', { value: flushDiskType, option: '--flush' }],
    ['listenPort', { value: `${client.localPort}`, option: '--broker-port' }],
    ['longPollingEnable', { value: 'true' }],
    ['mappedFileSizeCommitLog', { value: `${facts.segmentBytes}`, option: '--segment-bytes' }],
    ['maxMessageSize', { value: `${limits.bodyBytesMax}` }],
    ['msgTraceTopicName', { value: traceTopic }],
    ['slaveReadEnable', { value: 'false' }],
    ['storePathRootDir', { value: facts.dataFolder, option: '--data' }],
    ['traceOn', { value: 'true' }],
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

function whyNot(name: string, value: string, present: ToldSetting | undefined): string {
  if (present === undefined) return `${name} is no setting of this server`
  const is = `${name} is ${present.value} and cannot become ${value} while the server runs`
  return present.option === undefined ? is : `${is}: start it with ${present.option}`
}
