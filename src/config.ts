/** Every setting of the server, in one table: name, default, limits and a line of documentation. */
import { AddressMap, advertiseRulesMax, parseAdvertise } from '../gateway/broker/addresses.ts'
import { tcpLimitTable } from '../gateway/tcp/index.ts'
import { describeError } from './describe-error.ts'
import {
  groupSettings,
  limits,
  requestSettings,
  retentionSettings,
  rocketmqSettings,
  storedGroupSettings,
  storeSettings,
  timerSettings,
  topicSettings,
  transactionSettings
} from './part-settings.ts'
import type { Setting, ValueOf } from './setting.ts'
import { UsageError } from './usage-error.ts'

/** No port is fixed: the system picks a free one. */
export const anyPort = 0

function port(standard: number, doc: string) {
  return {
    kind: 'integer',
    default: standard,
    min: anyPort,
    max: 65535,
    unit: 'port',
    section: 'Where',
    doc: `${doc}; 0 picks a free one`
  } as const
}

/** It becomes part of topics' names, of routes and of receipts: letters that all of them take. */
const rocketmqNameMax = 64

function rocketmqName(standard: string, what: string, property: string) {
  return {
    kind: 'text',
    default: standard,
    max: rocketmqNameMax,
    alphabet: { pattern: /^[a-zA-Z0-9_-]+$/, words: 'letters, digits, _ and -' },
    section: 'Where',
    doc: `What RocketMQ's clients and tools find the ${what} called (${property})`
  } as const
}

/** By the name that code uses; `optionName` and `environmentName` give the other spellings. */
export const settings = {
  data: {
    kind: 'text',
    default: './isthmus-data',
    max: 4096,
    section: 'Where',
    doc: 'Folder of the store; made if it is not there'
  },
  host: {
    kind: 'text',
    default: '127.0.0.1',
    max: 255,
    section: 'Where',
    doc: 'Address that every listener binds to; 0.0.0.0 or :: for all'
  },
  kafkaPort: port(9092, 'Port for Kafka clients'),
  namesrvPort: port(9876, 'Port for RocketMQ name server look-ups'),
  brokerPort: port(10911, 'Port for RocketMQ remoting clients'),
  brokerVipPort: {
    kind: 'switch',
    default: false,
    section: 'Where',
    doc: "Whether the broker also listens at its port minus 2, where RocketMQ's clients look with vipChannelEnabled"
  },
  rocketmqClusterName: rocketmqName('DefaultCluster', 'cluster', 'brokerClusterName'),
  rocketmqBrokerName: rocketmqName('broker-a', 'broker', 'brokerName'),
  grpcPort: port(8081, 'Port for RocketMQ gRPC clients'),
  httpPort: port(8088, 'Port for /healthz and /metrics'),
  advertise: {
    kind: 'list',
    default: [],
    max: advertiseRulesMax,
    entryMax: 512,
    form: '[kafka|namesrv|broker|grpc=]HOST[:PORT][@LOCAL-ADDRESS]',
    refuse: refuseAdvertise,
    section: 'Where',
    doc: 'Address to tell clients instead of the one they dialled; repeatable'
  },
  flush: {
    kind: 'choice',
    default: 'sync',
    choices: ['sync', 'async'],
    section: 'Durability and storage',
    doc: 'When a producer gets its ack: sync after the fsync, async after the write'
  },
  ...storeSettings,
  ...topicSettings,
  ...retentionSettings,
  ...groupSettings,
  ...storedGroupSettings,
  ...timerSettings,
  ...transactionSettings,
  ...requestSettings,
  ...rocketmqSettings,
  ...limits(tcpLimitTable, 'Connections'),
  logLevel: {
    kind: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    section: 'Log',
    doc: 'The least severe log lines that are written; single requests only at debug'
  }
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

/** A value for every setting. */
export type Config = { readonly [Name in SettingName]: ValueOf<(typeof settings)[Name]> }

export const settingNames = Object.keys(settings) as readonly SettingName[]

/** Listeners whose ports can be set already and that this version does not have. */
export const absentListeners = ['grpcPort'] as const

/** Every setting at its default. */
export function defaultConfig(): Config {
  const entries = settingNames.map((name) => [name, settings[name].default])
  return Object.fromEntries(entries) as unknown as Config
}

/** The values of a part's own settings, by the names of its table. */
export function pickSettings<Name extends SettingName>(
  config: Config,
  names: Readonly<Record<Name, unknown>>
): Pick<Config, Name> {
  const entries = (Object.keys(names) as Name[]).map((name) => [name, config[name]])
  return Object.fromEntries(entries) as Pick<Config, Name>
}

/** What clients are told to dial. Throws UsageError where two advertised addresses contradict each other. */
export function addressMapOf(advertise: readonly string[]): AddressMap {
  try {
    return new AddressMap(advertise.map(parseAdvertise))
  } catch (error) {
    throw new UsageError(describeError(error))
  }
}

function refuseAdvertise(text: string): string | undefined {
  try {
    parseAdvertise(text)
    return undefined
  } catch (error) {
    return describeError(error).replace(/^--advertise /, '')
  }
}
